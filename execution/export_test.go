package execution

import (
	"context"
	"time"
)

// WaitBy lets the waits between the tries of calls be made by a test.
func (l *Lanes) WaitBy(wait func(ctx context.Context, d time.Duration) error) { l.wait = wait }
