package storagetest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

// list is a list of the store in one order, or one parent's, whatever its rows are.
type list struct {
	name string
	read func(ctx context.Context, page storage.Page) (*rows, error)
}

// rows is a page of a list by the ids of its rows.
type rows struct {
	ids, cursors []string
	info         storage.PageInfo
	total        func(ctx context.Context) (int64, error)
}

func listOf[T any](name string, id func(*T) string, read func(ctx context.Context, page storage.Page) (*storage.Connection[T], error)) list {
	return list{name, func(ctx context.Context, page storage.Page) (*rows, error) {
		c, err := read(ctx, page)
		if err != nil {
			return nil, err
		}
		r := &rows{info: *c.PageInfo, total: c.TotalCount}
		for _, edge := range c.Edges {
			r.ids, r.cursors = append(r.ids, id(edge.Node)), append(r.cursors, edge.Cursor)
		}
		return r, nil
	}}
}

// childrenOf is a list of one parent of a nested one.
func childrenOf[T any, P comparable](name string, id func(*T) string, parent P, read func(ctx context.Context, parents []P, page storage.Page) (map[P]*storage.Connection[T], error)) list {
	return listOf(fmt.Sprintf("%s of %v", name, parent), id, func(ctx context.Context, page storage.Page) (*storage.Connection[T], error) {
		byParent, err := read(ctx, []P{parent}, page)
		return byParent[parent], err
	})
}

// lists are all lists of a store that crowd filled.
func lists(store storage.UserStore) []list {
	var all []list
	attackID := func(a *storage.Attack) string { return a.ID }
	conversationID := func(c *storage.Conversation) string { return c.ID }
	messageID := func(m *storage.Message) string { return m.ID }
	for _, way := range []storage.Direction{storage.Ascending, storage.Descending} {
		for _, field := range []storage.AttackOrderField{storage.AttackOrderNumber, storage.AttackOrderStartedAt, storage.AttackOrderTurns, storage.AttackOrderDuration} {
			by := storage.AttackOrder{Field: field, Direction: way}
			all = append(all, listOf(fmt.Sprint("attacks ", by), attackID, func(ctx context.Context, page storage.Page) (*storage.Connection[storage.Attack], error) {
				return store.Attacks(ctx, nil, by, page)
			}))
			for edge, parent := range map[storage.AttackEdge]string{
				storage.AttacksOfComponent: sample().components[0].Hash, storage.AttacksOfPrompt: "1", storage.AttacksOfGenerator: "g1",
			} {
				all = append(all, childrenOf(fmt.Sprint(edge, " attacks ", by), attackID, parent, func(ctx context.Context, parents []string, page storage.Page) (map[string]*storage.Connection[storage.Attack], error) {
					return store.AttacksOf(ctx, edge, parents, nil, by, page)
				}))
			}
		}
		for _, field := range []storage.ConversationOrderField{
			storage.ConversationOrderNumber, storage.ConversationOrderStartedAt, storage.ConversationOrderLastMessageAt, storage.ConversationOrderMessageCount,
		} {
			by := storage.ConversationOrder{Field: field, Direction: way}
			all = append(all, listOf(fmt.Sprint("conversations ", by), conversationID, func(ctx context.Context, page storage.Page) (*storage.Connection[storage.Conversation], error) {
				return store.Conversations(ctx, nil, by, page)
			}))
		}
		all = append(all, listOf(fmt.Sprint("messages ", way), messageID, func(ctx context.Context, page storage.Page) (*storage.Connection[storage.Message], error) {
			return store.Messages(ctx, nil, storage.MessageOrder{Direction: way}, page)
		}))
		for _, field := range []storage.ExecutionOrderField{
			storage.ExecutionOrderQueuedAt, storage.ExecutionOrderStartedAt, storage.ExecutionOrderFinishedAt, storage.ExecutionOrderName,
		} {
			by := storage.ExecutionOrder{Field: field, Direction: way}
			all = append(all, listOf(fmt.Sprint("runs ", by), func(e *storage.Execution) string { return e.ID }, func(ctx context.Context, page storage.Page) (*storage.Connection[storage.Execution], error) {
				return store.Executions(ctx, nil, by, page)
			}))
		}
		for _, field := range []storage.NameOrderField{storage.NameOrderName, storage.NameOrderCreatedAt} {
			all = append(all, named(store, storage.NameOrder{Field: field, Direction: way})...)
		}
	}
	all = append(all,
		listOf("components", func(c *storage.Component) string { return c.ID }, func(ctx context.Context, page storage.Page) (*storage.Connection[storage.Component], error) {
			return store.Components(ctx, nil, page)
		}),
		listOf("imports", func(i *storage.Import) string { return i.ID }, store.Imports),
		childrenOf("prompts", func(p *storage.Prompt) string { return p.ID }, "d1", func(ctx context.Context, parents []string, page storage.Page) (map[string]*storage.Connection[storage.Prompt], error) {
			return store.PromptsByDataset(ctx, parents, nil, page)
		}))
	for _, parent := range []int64{1, 2} {
		all = append(all,
			childrenOf("conversations", conversationID, parent, func(ctx context.Context, parents []int64, page storage.Page) (map[int64]*storage.Connection[storage.Conversation], error) {
				return store.ConversationsByAttack(ctx, parents, nil, page)
			}),
			childrenOf("messages", messageID, parent, func(ctx context.Context, parents []int64, page storage.Page) (map[int64]*storage.Connection[storage.Message], error) {
				return store.MessagesByConversation(ctx, parents, nil, page)
			}))
	}
	return all
}

// named are the lists that go by name.
func named(store storage.UserStore, by storage.NameOrder) []list {
	return []list{
		listOf(fmt.Sprint("generators ", by), func(g *storage.Generator) string { return g.ID }, func(ctx context.Context, page storage.Page) (*storage.Connection[storage.Generator], error) {
			return store.Generators(ctx, nil, by, page)
		}),
		listOf(fmt.Sprint("converters ", by), func(c *storage.Converter) string { return c.ID }, func(ctx context.Context, page storage.Page) (*storage.Connection[storage.Converter], error) {
			return store.Converters(ctx, nil, by, page)
		}),
		listOf(fmt.Sprint("scorers ", by), func(s *storage.Scorer) string { return s.ID }, func(ctx context.Context, page storage.Page) (*storage.Connection[storage.Scorer], error) {
			return store.Scorers(ctx, nil, by, page)
		}),
		listOf(fmt.Sprint("datasets ", by), func(d *storage.Dataset) string { return d.ID }, func(ctx context.Context, page storage.Page) (*storage.Connection[storage.Dataset], error) {
			return store.Datasets(ctx, nil, by, page)
		}),
	}
}

// crowd is the sample with seven or more rows in every list, most of them with a tie.
func crowd() *file {
	f := sample()
	f.attacks[0].TargetHash, f.attacks[0].Prompt = &f.components[0].Hash, "p1"
	for i := range 7 {
		n := strconv.Itoa(i)
		a := attack("more"+n, "c"+n, 10+i/3)
		a.TargetHash, a.Prompt = &f.components[0].Hash, "p1"
		if i%3 > 0 {
			a.Turns, a.DurationMs = new(int64(i/4)), new(int64(100))
		}
		f.attacks = append(f.attacks, a)
		owner := []string{"a1", "a2"}[i%2]
		f.conversations = append(f.conversations, conversation("c"+n, owner), conversation("e"+n, "a2"))
		f.messages = append(f.messages, message("in c"+n, "c"+n, 0, 30+i/2), message("early"+n, "early", int64(3+i/2), 8), message("late"+n, "late", int64(1+i/3), 9))
		// A comma, a quote and a letter beyond ASCII: names go into cursors.
		name := []string{"same, \"name\"", "Ümlaut", "same"}[i%3]
		for _, kind := range []storage.ConfiguredKind{storage.KindGenerators, storage.KindConverters, storage.KindScorers} {
			c := configured(kind, "key"+n)
			c.Name = name
			f.configured = append(f.configured, c)
		}
		d := *f.datasets[0]
		d.Key, d.SourceID, d.Name = "key"+n, "dataset"+n, name
		f.datasets = append(f.datasets, &d)
		p := *f.prompts[0]
		p.SourceID, p.Index = "prompt"+n, int64(i/2)
		f.prompts = append(f.prompts, &p)
		run := *f.executions[0]
		run.SourceID, run.Name = "run"+n, name
		if i%2 == 0 {
			run.StartedAt = nil
		}
		if i%3 == 0 {
			run.FinishedAt = nil
		}
		f.executions = append(f.executions, &run)
		f.components = append(f.components, component(storage.ComponentTarget, "Target"+n, storage.Component{Name: name}))
	}
	return f
}

// fillLists loads the crowd, over several imports of one time.
func fillLists(t *testing.T, store storage.UserStore) {
	t.Helper()
	f := crowd()
	f.load(t, store)
	for i := range 4 {
		f.attacks[0].Retries = new(int64(i))
		f.load(t, store)
	}
}

func listsMeetBothWaysOverTies(t *testing.T, store storage.UserStore) {
	fillLists(t, store)
	for _, l := range lists(store) {
		whole := must(l.read(t.Context(), storage.Page{Limit: 100}))(t)
		if len(whole.ids) < 5 {
			t.Errorf("%s has %d rows, too few for pages", l.name, len(whole.ids))
		}
		if sorted := slices.Sorted(slices.Values(whole.ids)); len(slices.Compact(sorted)) != len(whole.ids) {
			t.Errorf("%s repeats rows: %v", l.name, whole.ids)
		}
		if total := must(whole.total(t.Context()))(t); int(total) != len(whole.ids) {
			t.Errorf("%s counts %d, has %d", l.name, total, len(whole.ids))
		}
		var forward, backward []string
		for page := (storage.Page{Limit: 3}); ; {
			r := must(l.read(t.Context(), page))(t)
			forward = append(forward, r.ids...)
			if r.info.HasPreviousPage != (page.After != "") {
				t.Errorf("%s: previous page %v after %q", l.name, r.info.HasPreviousPage, page.After)
			}
			if !r.info.HasNextPage || len(r.ids) == 0 {
				break
			}
			page.After = *r.info.EndCursor
		}
		for page := (storage.Page{Limit: 3, Backward: true}); ; {
			r := must(l.read(t.Context(), page))(t)
			backward = append(slices.Clone(r.ids), backward...)
			if !r.info.HasPreviousPage || len(r.ids) == 0 {
				break
			}
			page.Before = *r.info.StartCursor
		}
		equal(t, l.name+" forward", forward, whole.ids)
		equal(t, l.name+" backward", backward, whole.ids)
	}
}

func attacksAreInOrderWithMissingValuesLast(t *testing.T, store storage.UserStore) {
	fillLists(t, store)
	for _, way := range []storage.Direction{storage.Ascending, storage.Descending} {
		sign := 1
		if way == storage.Descending {
			sign = -1
		}
		check := func(field storage.AttackOrderField, value func(*storage.Attack) *int64) {
			t.Helper()
			got := must(store.Attacks(t.Context(), nil, storage.AttackOrder{Field: field, Direction: way}, storage.Page{Limit: 100}))(t).Nodes()
			place := func(a *storage.Attack) int64 {
				if v := value(a); v != nil {
					return *v * int64(sign)
				}
				return math.MaxInt64
			}
			if !slices.IsSortedFunc(got, func(a, b *storage.Attack) int {
				return cmp.Or(cmp.Compare(place(a), place(b)), sign*cmp.Compare(a.Number, b.Number))
			}) {
				t.Errorf("attacks by %s %s are out of order", field, way)
			}
		}
		check(storage.AttackOrderNumber, func(a *storage.Attack) *int64 { return &a.Number })
		check(storage.AttackOrderTurns, func(a *storage.Attack) *int64 { return a.Turns })
		check(storage.AttackOrderDuration, func(a *storage.Attack) *int64 { return a.DurationMs })
		check(storage.AttackOrderStartedAt, func(a *storage.Attack) *int64 { return new(a.StartedAt.UnixMicro()) })
	}
}

func cursorsOfOtherListsAreRefused(t *testing.T, store storage.UserStore) {
	fillLists(t, store)
	all := lists(store)
	refused := func(l list, cursor, whose string) {
		t.Helper()
		for _, page := range []storage.Page{{Limit: 1, After: cursor}, {Limit: 1, Backward: true, Before: cursor}} {
			if _, err := l.read(t.Context(), page); storage.CodeOf(err) != storage.CodeBadInput {
				t.Errorf("%s with a cursor of %s: %v", l.name, whose, err)
			}
		}
	}
	for _, from := range all {
		cursor := must(from.read(t.Context(), storage.Page{Limit: 1}))(t).cursors[0]
		for _, to := range all {
			if to.name != from.name {
				refused(to, cursor, from.name)
			}
		}
		for _, broken := range []string{"x", "!", cursor + "AA", cursor[:len(cursor)/2]} {
			refused(from, broken, "nobody")
		}
	}
}

// nestedPagesBelongToTheirParents asks for several parents at once.
func nestedPagesBelongToTheirParents(t *testing.T, store storage.UserStore) {
	fillLists(t, store)
	page := storage.Page{Limit: 3}
	pages := must(store.MessagesByConversation(t.Context(), []int64{1, 2, 999}, nil, page))(t)
	stored := must(store.ConversationsByNumber(t.Context(), []int64{1, 2}))(t)
	for _, parent := range []int64{1, 2} {
		p := pages[parent]
		if len(p.Edges) != 3 || !p.PageInfo.HasNextPage || p.PageInfo.HasPreviousPage {
			t.Errorf("conversation %d: %d messages, %+v", parent, len(p.Edges), p.PageInfo)
		}
		for _, m := range p.Nodes() {
			if m.Conversation != parent {
				t.Errorf("conversation %d lists a message of %d", parent, m.Conversation)
			}
		}
		if total := must(p.TotalCount(t.Context()))(t); total != stored[parent].MessageCount {
			t.Errorf("conversation %d counts %d of %d messages", parent, total, stored[parent].MessageCount)
		}
	}
	if p, ok := pages[999]; ok && len(p.Edges) > 0 {
		t.Errorf("an unknown conversation has %d messages", len(p.Edges))
	}
	ofAttacks := must(store.ConversationsByAttack(t.Context(), []int64{1, 2}, nil, page))(t)
	for _, parent := range []int64{1, 2} {
		for _, c := range ofAttacks[parent].Nodes() {
			if *c.AttackNumber != parent {
				t.Errorf("attack %d lists a conversation of %d", parent, *c.AttackNumber)
			}
		}
	}
	page.After = *pages[1].PageInfo.EndCursor
	if _, err := store.MessagesByConversation(t.Context(), []int64{1, 2}, nil, page); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("one parent's cursor for two: %v", err)
	}
}

// storesShareNothing fills one of two stores of one engine, then the other.
func storesShareNothing(t *testing.T, one, two storage.UserStore) {
	sample().load(t, one)
	if one.Key() == two.Key() || len(two.Key()) != storage.StoreKeyBytes || one.Owner() == two.Owner() {
		t.Fatalf("keys %x and %x of %s and %s", one.Key(), two.Key(), one.Owner(), two.Owner())
	}
	leavesNothing(t, two, must(two.Revision(t.Context()))(t))
	for _, l := range lists(two) {
		if r, err := l.read(t.Context(), storage.Page{Limit: 9}); err != nil || len(r.ids) > 0 {
			t.Errorf("%s of the empty store: %v, %v", l.name, r, err)
		}
	}
	if a := must(two.AttacksByNumber(t.Context(), []int64{1}))(t); len(a) > 0 {
		t.Errorf("attacks %v", a)
	}
	if d := must(two.DatasetsByKey(t.Context(), []string{"d1"}))(t); len(d) > 0 {
		t.Errorf("datasets %v", d)
	}

	imp := sample().load(t, one)
	again := sample().load(t, two)
	first, second := attackBy(t, one, "a1"), attackBy(t, two, "a1")
	if first.Number != second.Number || first.ID == second.ID || *first.ExecutionID == *second.ExecutionID {
		t.Errorf("attacks %d %s of run %s and %d %s of run %s", first.Number, first.ID, *first.ExecutionID, second.Number, second.ID, *second.ExecutionID)
	}
	if e := must(two.ExecutionsByKey(t.Context(), []string{*first.ExecutionID}))(t); len(e) > 0 {
		t.Errorf("one's run in the other: %v", e)
	}
	if i := must(one.ImportsByKey(t.Context(), []string{again.Key}))(t); len(i) > 0 || imp.Key == again.Key {
		t.Errorf("the other's import in one: %v", i)
	}
	target := storage.ID{Kind: storage.KindComponent, Store: one.Key(), Key: *first.TargetHash}.String()
	for name, filter := range map[string]*storage.AttackFilter{
		"target": {Target: &storage.TextIn{In: []string{target}}},
		"run":    {Execution: &storage.TextIn{In: []string{storage.ID{Kind: storage.KindExecution, Store: one.Key(), Key: *first.ExecutionID}.String()}}},
	} {
		page := storage.Page{Limit: 5}
		if own := must(one.Attacks(t.Context(), filter, storage.AttackOrder{}, page))(t); len(own.Edges) != 1 {
			t.Errorf("the %s's own id finds %d attacks", name, len(own.Edges))
		}
		if other := must(two.Attacks(t.Context(), filter, storage.AttackOrder{}, page))(t); len(other.Edges) != 0 {
			t.Errorf("the %s's id finds %d attacks in the other store", name, len(other.Edges))
		}
	}
}
