package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/chgen/chgen/internal/peer/contract"
	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/gen"
)

// handleRoster serves the presence channel. The schema cannot say that a meta is replaced by any object, nor that a
// reply has the names that the presence list has.
func handleRoster(server *channel.Server) {
	contract.HandleRoster(server, roster{})
	gen.Extend(server, "Roster",
		gen.Handler[contract.RosterHandler]{Event: "update", Handle: func(ctx context.Context, h contract.RosterHandler, call *gen.Call) error {
			payload, err := call.JSON()
			if err != nil {
				return err
			}
			return call.Membership().Update(ctx, h.(*present).key, meta(object(payload)))
		}},
		gen.Handler[contract.RosterHandler]{Event: "list", Handle: func(_ context.Context, _ contract.RosterHandler, call *gen.Call) error {
			return call.ReplyJSON(call.Membership().PresenceState())
		}},
	)
}

// meta is any object as what others see.
type meta json.RawMessage

// AppendJSON implements codec.Marshaler.
func (m meta) AppendJSON(dst []byte) ([]byte, error) { return append(dst, m...), nil }

type roster struct{}

// Join implements contract.RosterChannel: whoever joins is present, as he says or as himself.
func (roster) Join(ctx context.Context, s *contract.RosterSocket, in contract.RosterJoin) (contract.RosterHandler, error) {
	p := &present{socket: s, key: keyOf(in.Key, userOf(ctx))}
	status := in.Status
	if status == nil {
		status = json.RawMessage(`"online"`)
	}
	return p, s.Presence().Track(ctx, p.key, contract.RosterPresence{Status: status})
}

// keyOf is the text of a key: keys become strings (rule 12.8). Without one it is the user.
func keyOf(key json.RawMessage, user string) string {
	var text string
	switch {
	case key == nil:
		return user
	case json.Unmarshal(key, &text) == nil:
		return text
	default:
		return string(key)
	}
}

// present is one client on a topic of the presence channel.
type present struct {
	socket *contract.RosterSocket
	key    string
}

// Untrack implements contract.RosterHandler. Who is not tracked need not be untracked.
func (p *present) Untrack(ctx context.Context) error {
	err := p.socket.Presence().Untrack(ctx, p.key)
	if errors.Is(err, channel.ErrNotTracked) {
		return nil
	}
	return err
}
