package storage

import (
	"context"
	"path"
	"strings"
	"time"
)

// Prices keep what calls of models cost.
type Prices interface {
	// SetPrice sets the price of a pattern, in place of the one that it has, and returns
	// the key of the row. Key and UpdatedAt are the caller's for a new one. BAD_USER_INPUT
	// for more than MaxPrices.
	SetPrice(ctx context.Context, price *Price) (string, error)
	// Prices lists prices by pattern.
	Prices(ctx context.Context, page Page) (*Connection[Price], error)
	PricesByKey(ctx context.Context, keys []string) (map[string]*Price, error)
}

// MaxPrices is how many prices a workspace has at most, so that all of them are one page.
const MaxPrices = MaxPageSize

// Price is what the models that a pattern fits cost.
type Price struct {
	ID        string
	Key       string // a UUID
	Model     string // a pattern in lower case, where * stands for any characters
	Currency  string // ISO 4217
	Input     float64
	Output    float64 // of a million tokens, each
	UpdatedAt time.Time
}

// PriceOf is the price of a model: of those whose pattern fits it, the one with the most
// characters that are no *; nil without any.
func PriceOf(prices []*Price, model string) *Price {
	var best *Price
	length := func(p *Price) int { return len(p.Model) - strings.Count(p.Model, "*") }
	for _, price := range prices {
		if fits(price.Model, model) && (best == nil || length(price) > length(best)) {
			best = price
		}
	}
	return best
}

// fits compares without regard to case. A slash is a character like others, which
// path.Match would not have; and only * is special.
func fits(pattern, model string) bool {
	plain := strings.NewReplacer("/", "\x00", `\`, `\\`, "[", `\[`, "?", `\?`)
	ok, err := path.Match(plain.Replace(strings.ToLower(pattern)), strings.ReplaceAll(strings.ToLower(model), "/", "\x00"))
	return ok && err == nil
}

// Check is BAD_USER_INPUT for what no price can be; it brings the pattern and the
// currency into their form.
func (p *Price) Check() error {
	p.Model = strings.ToLower(strings.TrimSpace(p.Model))
	switch {
	case p.Model == "" || len(p.Model) > 200 || p.Model != Plain(p.Model, 200):
		return BadInput("model", "model must be a name or pattern of 1 to 200 printable characters, like gpt-4o*")
	case p.Input < 0 || p.Input > mostPrice:
		return BadInput("inputPrice", "inputPrice must be between 0 and %d", int(mostPrice))
	case p.Output < 0 || p.Output > mostPrice:
		return BadInput("outputPrice", "outputPrice must be between 0 and %d", int(mostPrice))
	}
	var err error
	p.Currency, err = CheckCurrency("currency", p.Currency)
	return err
}

const mostPrice = 1e9

// CheckCurrency brings a currency's code (ISO 4217) into its form, BAD_USER_INPUT for
// what cannot be one. Which codes there are is not checked.
func CheckCurrency(field, code string) (string, error) {
	code = strings.ToUpper(strings.TrimSpace(code))
	if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", BadInput(field, "%s must be a code of three letters, like EUR", field)
	}
	return code, nil
}
