// Package events wakes up who follows something: an execution, the executions of a
// workspace, a conversation. It carries nothing: what happened stands in the stores, and
// whoever is woken reads it there. So nobody can miss anything by being slow, and a
// cluster needs only to carry topics between its members.
package events

import "sync"

// Waker tells followers of a topic that there is something new.
type Waker interface {
	// Wake wakes everybody who follows the topic now.
	Wake(topic string)
	// Follow returns a channel that is closed at the next Wake of the topic. Whoever
	// follows takes the channel first and reads the store then.
	Follow(topic string) <-chan struct{}
}

// Local is a Waker inside one process. The zero value is ready.
type Local struct {
	mu     sync.Mutex
	topics map[string]chan struct{}
}

var _ Waker = (*Local)(nil)

// Wake wakes the followers of a topic.
func (l *Local) Wake(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if followed := l.topics[topic]; followed != nil {
		close(followed)
		delete(l.topics, topic)
	}
}

// Follow returns the channel that the next Wake closes. A topic that nobody wakes keeps
// one channel, however many follow it.
func (l *Local) Follow(topic string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	followed := l.topics[topic]
	if followed == nil {
		if l.topics == nil {
			l.topics = map[string]chan struct{}{}
		}
		followed = make(chan struct{})
		l.topics[topic] = followed
	}
	return followed
}

// Execution is the topic of what happens to a run.
func Execution(key string) string { return "execution/" + key }

// Command is the topic of commands to the engine of a run.
func Command(key string) string { return "command/" + key }

// Executions is the topic of what happens to the runs of a workspace.
func Executions(workspaceKey string) string { return "executions/" + workspaceKey }

// Conversation is the topic of new messages of a conversation, by its GraphQL id.
func Conversation(id string) string { return "conversation/" + id }
