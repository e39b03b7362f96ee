package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/client"
	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/testdata/golang/chat"
	"github.com/chgen/chgen/testdata/golang/kitchen"
)

func TestALostConnectionIsJoinedAgainWithFreshParams(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(), lobby)
		var told recorder
		room.OnRejoin(func(r client.Rejoined[chat.RoomJoined]) { told.add("rejoined %s %v", r.Reply.You.Name, r.Recovered) })
		room.OnMessageDeleted(func(e chat.RoomMessageDeletedEvent) { told.add("deleted %s", e.ID) })
		since := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		result := start(func() error {
			_, err := room.JoinFunc(t.Context(), func(context.Context) (chat.RoomJoin, error) {
				since = since.AddDate(1, 0, 0)
				return chat.RoomJoin{Since: &since}, nil
			})
			return err
		})
		l := s.accept()
		first, ref := l.expect("phx_join", `{"since":"2027-01-01T00:00:00Z"}`)
		l.reply(first, ref, "ok", joined)
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		l.deleted("", "1")
		l.fail(&client.CloseError{Code: 1001})

		l = s.accept()
		second, ref := l.expect("phx_join", `{"since":"2028-01-01T00:00:00Z"}`)
		if first == second {
			t.Errorf("the second join has the ref of the first, %v", first)
		}
		l.deleted("", "before the join")
		l.reply(second, ref, "ok", joined)
		l.deleted("", "2")
		told.expect(t, "deleted 1", "rejoined ada false", "deleted 2")
	})
}

func TestARejoinRecoversFromTheLatestPosition(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(), lobby)
		var told recorder
		room.OnRejoin(func(r client.Rejoined[chat.RoomJoined]) { told.add("recovered %v", r.Recovered) })
		room.OnMessageDeleted(func(e chat.RoomMessageDeletedEvent) { told.add("deleted %s", e.ID) })
		recovery := func(l *line, payload, recovery string) {
			joinRef, ref := l.expect("phx_join", payload)
			l.send(`[%q,%q,"room:lobby","phx_reply",{"status":"ok","response":%s,"recovery":%s}]`, joinRef, ref, joined, recovery)
		}
		result := start(func() error {
			_, err := room.Join(t.Context(), chat.RoomJoin{})
			return err
		})
		l := s.accept()
		recovery(l, `{}`, `{"position":"e:1:mac","recovered":false}`)
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		l.fail(errors.New("gone"))

		l = s.accept()
		recovery(l, `{"_recover":"e:1:mac"}`, `{"position":"e:3:mac","recovered":true}`)
		l.deleted("e:2:mac", "2")
		told.expect(t, "recovered true", "deleted 2")
		l.fail(errors.New("gone")) // before the other that was missed

		l = s.accept()
		recovery(l, `{"_recover":"e:2:mac"}`, `{"position":"f:9:mac","recovered":false}`)
		l.deleted("f:10:mac", "10")
		told.expect(t, "recovered false", "deleted 10")
		l.send(`[null,null,"room:lobby","cursor_moved",{"user":"u","x":1,"y":2}]`) // volatile: without a position
		synctest.Wait()
		l.fail(errors.New("gone"))
		recovery(s.accept(), `{"_recover":"f:10:mac"}`, `{"position":"f:10:mac","recovered":true}`)
		told.expect(t, "recovered true")
	})
}

func TestPushesInFlightFailAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(l *line, room *chat.RoomClient, joinRef any)
		want []error
	}{
		"the connection is lost": {func(l *line, _ *chat.RoomClient, _ any) { l.fail(errors.New("gone")) }, []error{client.ErrDisconnected}},
		"the channel crashes": {func(l *line, _ *chat.RoomClient, joinRef any) {
			l.send(`[%q,%q,"room:lobby","phx_error",{"reason":"channel_crash"}]`, joinRef, joinRef)
		}, []error{client.ErrDisconnected}},
		"the server ends the membership": {func(l *line, _ *chat.RoomClient, joinRef any) {
			l.send(`[%q,%q,"room:lobby","phx_close",{}]`, joinRef, joinRef)
		}, []error{client.ErrDisconnected, client.ErrEnded}},
		"the channel is left": {func(_ *line, room *chat.RoomClient, _ any) {
			_ = start(func() error { return room.Leave(context.Background()) })
		}, []error{client.ErrLeft}},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *script) {
				room := chat.NewRoomClient(s.client(), lobby)
				l, joinRef := joinLobby(t, room, s)
				result := start(func() error {
					_, err := room.SendMessage(t.Context(), chat.RoomSendMessage{Body: "hello"})
					return err
				})
				l.expect("send_message", `{"body":"hello"}`)
				began := time.Now()
				c.end(l, room, joinRef)
				err := <-result
				for _, want := range c.want {
					wantErr(t, err, want)
				}
				if waited := time.Since(began); waited > 0 {
					t.Errorf("it fails after %v, want at once", waited)
				}
			})
		})
	}
}

func TestPushesWaitForTheRejoinAndAreNotSentTwice(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(), lobby)
		l, _ := joinLobby(t, room, s)
		l.fail(errors.New("gone"))
		synctest.Wait()
		result := start(func() error { return room.SetTyping(t.Context(), chat.RoomSetTyping{Active: true}) })
		l = s.accept()
		joinRef, ref := l.expect("phx_join", `{}`)
		l.reply(joinRef, ref, "ok", joined)
		joinRef, ref = l.expect("set_typing", `{"active":true}`)
		l.reply(joinRef, ref, "ok", `{}`)
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

func TestAPushEndsWithItsContextOrTheClientsTimeout(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(client.WithTimeout(3*time.Second)), lobby)
		l, _ := joinLobby(t, room, s)
		began := time.Now()
		wantErr(t, room.SetTyping(context.Background(), chat.RoomSetTyping{}), client.ErrTimeout)
		if waited := time.Since(began); waited != 3*time.Second {
			t.Errorf("it waits for %v, want 3 s", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		l.deaf = true // or the heartbeat's deadline, which is 3 s as well, comes first
		err := room.SetTyping(ctx, chat.RoomSetTyping{})
		wantErr(t, err, context.DeadlineExceeded)
		if errors.Is(err, client.ErrTimeout) {
			t.Errorf("got %v, want the context's own error", err)
		}
	})
}

func TestRepliesAreDecodedAsTheSchemaSays(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(), lobby)
		l, _ := joinLobby(t, room, s)
		send := func(status, response string) (chat.RoomSendMessageReply, error) {
			var reply chat.RoomSendMessageReply
			result := start(func() (err error) {
				reply, err = room.SendMessage(t.Context(), chat.RoomSendMessage{Body: "hello"})
				return err
			})
			joinRef, ref := l.expect("send_message", `{"body":"hello"}`)
			l.reply(joinRef, ref, status, response)
			err := <-result
			return reply, err
		}
		reply, err := send("ok", `{"id":"7","sent_at":"2026-01-02T03:04:05Z"}`)
		if want := (chat.RoomSendMessageReply{ID: "7", SentAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}); err != nil || reply != want {
			t.Errorf("got %v, %v, want %v", reply, err, want)
		}
		_, err = send("error", `{"reason":"slow_down","message":"Too many.","retry_after_ms":70}`)
		if slow, ok := errors.AsType[*chat.SlowDownError](err); !ok || slow.RetryAfterMs != 70 {
			t.Errorf("got %v, want slow_down with its field", err)
		}
		for response, want := range map[string]client.ReplyError{
			`{"reason":"invalid_payload","path":"/body","message":"is required"}`: {Code: client.CodeInvalidPayload, Path: "/body", Message: "is required"},
			`{"reason":"not_a_member","message":"No."}`:                           {Code: "not_a_member", Message: "No."}, // which send_message does not declare
			`{"reason":"slow_down"}`:                                              {Code: "slow_down"},                    // not as the schema says
			`"text"`:                                                              {Code: "error"},
		} {
			want.Response = []byte(response)
			_, err := send("error", response)
			got, ok := errors.AsType[*client.ReplyError](err)
			if !ok {
				t.Errorf("%s: got %v, want a ReplyError", response, err)
				continue
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", response, diff)
			}
		}
		if _, err = send("ok", `{"id":7}`); err == nil || !strings.Contains(err.Error(), "/id must be a string") {
			t.Errorf("got %v, want the place that is not as the schema says", err)
		}
	})
}

func TestWhatTheSchemaForbidsIsNotSent(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		c := s.client(client.WithMaxFrameBytes(1000))
		room := chat.NewRoomClient(c, lobby)
		joinLobby(t, room, s)
		if _, err := room.SendMessage(t.Context(), chat.RoomSendMessage{}); err == nil {
			t.Error("an empty body is sent")
		}
		_, err := room.SendMessage(t.Context(), chat.RoomSendMessage{Body: strings.Repeat("x", 1000)})
		wantErr(t, err, client.ErrTooLarge)
		for _, id := range []string{"", "a:b", "\xff", strings.Repeat("x", 255)} {
			if _, err := chat.NewRoomClient(c, chat.RoomTopic{RoomID: id}).Join(t.Context(), chat.RoomJoin{}); err == nil {
				t.Errorf("the room %q can be joined", id)
			}
		}
		_, err = chat.NewRoomClient(c, lobby).Join(t.Context(), chat.RoomJoin{})
		wantErr(t, err, client.ErrAlreadyJoined)
	})
}

func TestARefusedJoinIsFinal(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(), lobby)
		for range 2 { // it can be tried again
			result := start(func() error {
				_, err := room.Join(t.Context(), chat.RoomJoin{})
				return err
			})
			l := s.accept()
			s.conns <- l
			joinRef, ref := l.expect("phx_join", `{}`)
			l.reply(joinRef, ref, "error", `{"reason":"not_a_member","message":"No."}`)
			wantErr(t, <-result, chat.ErrNotAMember)
			if ch := room.Channel(); ch.State() != client.Out || ch.Topic() != "room:lobby" {
				t.Errorf("state %v of %s", ch.State(), ch.Topic())
			}
		}
	})
}

func TestAJoinIsTriedAgainWhereTheSchemaOrItsPastSaysSo(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		ch := client.NewChannel(s.client(), client.Spec{Topic: "room:{id}", Retry: []string{"later"}}, "lobby")
		result := start(func() error { return ch.Join(t.Context(), nil, nil) })
		l := s.accept()
		answer := func(status, response string) {
			joinRef, ref := l.expect("phx_join", `{}`)
			l.reply(joinRef, ref, status, response)
		}
		answer("error", `{"reason":"later"}`)
		answer("ok", `{}`)
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		l.send(`[null,null,"room:lobby","phx_error",{}]`)
		answer("error", `{"reason":"join crashed"}`) // which is final only for a first join
		answer("ok", `{}`)
		synctest.Wait()
		if ch.State() != client.Joined {
			t.Errorf("state %v", ch.State())
		}
	})
}

func TestAJoinWhoseContextEndsTellsWhatItFailedWith(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		ch := client.NewChannel(s.client(), client.Spec{Topic: "room:lobby", Retry: []string{"not_a_member"}})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		result := start(func() error { return ch.Join(ctx, nil, nil, chat.ErrNotAMember) })
		l := s.accept()
		joinRef, ref := l.expect("phx_join", `{}`)
		l.reply(joinRef, ref, "error", `{"reason":"not_a_member"}`)
		err := <-result
		wantErr(t, err, context.DeadlineExceeded)
		wantErr(t, err, chat.ErrNotAMember)
		if ch.State() != client.Out {
			t.Errorf("state %v", ch.State())
		}
	})
}

func TestAJoinThatIsRefusedTwiceHoldsNothingUp(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		c := s.client()
		ch := client.NewChannel(c, client.Spec{Topic: "room:lobby"})
		params := make(chan struct{})
		result := start(func() error {
			return ch.Join(t.Context(), func(context.Context) (codec.Marshaler, error) {
				<-params
				_ = c.State() // which takes what the reader holds
				return nil, nil
			}, nil)
		})
		l := s.accept()
		synctest.Wait()
		for ref := range 2 * 8 { // the join has one of the first refs
			l.reply(fmt.Sprint(ref/2), fmt.Sprint(ref/2), "error", `{"reason":"no"}`)
		}
		synctest.Wait()
		close(params)
		if reply, ok := errors.AsType[*client.ReplyError](<-result); !ok || reply.Code != "no" {
			t.Errorf("got %v, want the refusal", reply)
		}
	})
}

func TestAJoinWithoutAnAnswerIsTakenBackAndTriedAgain(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(client.WithTimeout(5*time.Second), client.WithHeartbeat(time.Hour)), lobby)
		result := start(func() error {
			_, err := room.Join(t.Context(), chat.RoomJoin{})
			return err
		})
		l := s.accept()
		first, ref := l.expect("phx_join", `{}`)
		l.send(`[null,"1","phoenix","phx_reply",{}]`)
		if left, _ := l.expect("phx_leave", `{}`); left != first {
			t.Errorf("left %v, want %v", left, first)
		}
		joinRef, again := l.expect("phx_join", `{}`)
		l.reply(first, ref, "ok", joined) // too late
		l.reply(joinRef, again, "ok", joined)
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

func TestFramesOfAnEarlierJoinAreDropped(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(), lobby)
		var told recorder
		room.OnMessageDeleted(func(e chat.RoomMessageDeletedEvent) { told.add("%s", e.ID) })
		l, joinRef := joinLobby(t, room, s)
		l.send(`["0",null,"room:lobby","message_deleted",{"id":"stale"}]`)
		l.send(`["0","0","room:lobby","phx_close",{}]`)
		l.send(`[%q,null,"room:lobby","message_deleted",{"id":"push"}]`, joinRef)
		l.send(`[%q,null,"room:other","message_deleted",{"id":"elsewhere"}]`, joinRef)
		l.deleted("", "broadcast")
		told.expect(t, "push", "broadcast")
	})
}

func TestAMembershipThatTheServerEndsIsNotJoinedAgain(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(client.WithHeartbeat(24*time.Hour)), lobby)
		var states recorder
		room.Channel().OnState(func(change client.ChannelStateChange) { states.add("%v %v", change.State, change.Err) })
		l, joinRef := joinLobby(t, room, s)
		l.send(`[%q,%q,"room:lobby","phx_close",{}]`, joinRef, joinRef)
		states.expect(t, "joining <nil>", "joined <nil>", "out the server has ended the membership")
		wantErr(t, room.SetTyping(t.Context(), chat.RoomSetTyping{}), client.ErrEnded)
	})
}

func TestLeaveTellsTheServerAndEndsCallbacks(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(), lobby)
		var told recorder
		room.OnMessageDeleted(func(e chat.RoomMessageDeletedEvent) { told.add("%s", e.ID) })
		l, _ := joinLobby(t, room, s)
		result := start(func() error { return room.Leave(t.Context()) })
		joinRef, ref := l.expect("phx_leave", `{}`)
		l.deleted("", "too late")
		wantErr(t, room.SetTyping(t.Context(), chat.RoomSetTyping{}), client.ErrLeft)
		l.reply(joinRef, ref, "ok", `{}`)
		if err := <-result; err != nil {
			t.Error(err)
		}
		l.send(`[%q,%q,"room:lobby","phx_close",{}]`, joinRef, joinRef)
		told.expect(t)
		wantErr(t, room.SetTyping(t.Context(), chat.RoomSetTyping{}), client.ErrLeft)
		s.conns <- l
		joinLobby(t, room, s)
	})
}

func TestALeaveWithoutAnAnswerEndsAllTheSame(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(client.WithHeartbeat(time.Hour)), lobby)
		l, _ := joinLobby(t, room, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantErr(t, room.Leave(ctx), context.DeadlineExceeded)
		if room.Channel().State() != client.Out {
			t.Errorf("state %v", room.Channel().State())
		}
		s.conns <- l
		l.expect("phx_leave", `{}`)
		l, _ = joinLobby(t, room, s)
		result := start(func() error { return room.Leave(t.Context()) })
		synctest.Wait()
		l.fail(errors.New("gone")) // so the server knows
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

func TestCallbacksComeInOrderAndMayPushAndLeave(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(), lobby)
		var told recorder
		room.OnMessageDeleted(func(e chat.RoomMessageDeletedEvent) {
			told.add("begin %s", e.ID)
			err := room.SetTyping(t.Context(), chat.RoomSetTyping{})
			told.add("end %s %v", e.ID, err)
			if e.ID == "2" {
				told.add("left %v", room.Leave(t.Context()))
			}
		})
		stop := room.OnCursorMoved(func(chat.RoomCursorMovedEvent) { told.add("cursor") })
		l, _ := joinLobby(t, room, s)
		l.send(`[null,null,"room:lobby","cursor_moved",{"user":"u","x":1,"y":2}]`)
		l.deleted("", "1")
		l.deleted("", "2")
		l.deleted("", "3")
		for range 2 {
			joinRef, ref := l.expect("set_typing", `{"active":false}`)
			l.reply(joinRef, ref, "ok", `{}`)
		}
		joinRef, ref := l.expect("phx_leave", `{}`)
		l.reply(joinRef, ref, "ok", `{}`)
		told.expect(t, "cursor", "begin 1", "end 1 <nil>", "begin 2", "end 2 <nil>", "left <nil>")
		stop()
	})
}

func TestEventsThatNobodyTakesGiveTheMembershipUp(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(client.WithEventQueue(2)), lobby)
		var told recorder
		hold := make(chan struct{})
		room.OnMessageDeleted(func(e chat.RoomMessageDeletedEvent) {
			<-hold
			told.add("%s", e.ID)
		})
		room.OnRejoin(func(r client.Rejoined[chat.RoomJoined]) { told.add("recovered %v", r.Recovered) })
		l, _ := joinLobby(t, room, s)
		l.deleted("e:1", "1")
		synctest.Wait() // it is with its callback, and does not wait any more
		for i := 2; i <= 9; i++ {
			l.deleted(fmt.Sprint("e:", i), fmt.Sprint(i))
		}
		l.expect("phx_leave", `{}`)
		close(hold) // it is joined again when the callbacks have caught up
		joinRef, ref := l.expect("phx_join", `{"_recover":"e:3"}`)
		l.send(`[%q,%q,"room:lobby","phx_reply",{"status":"ok","response":%s,"recovery":{"position":"e:9","recovered":true}}]`, joinRef, ref, joined)
		l.deleted("e:4", "4")
		told.expect(t, "1", "2", "3", "recovered true", "4")
	})
}

func TestAMembershipThatWasGivenUpIsJoinedAgainOnceCallbacksHaveCaughtUp(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(client.WithEventQueue(2)), lobby)
		hold := make(chan struct{})
		room.OnMessageDeleted(func(chat.RoomMessageDeletedEvent) { <-hold })
		l, _ := joinLobby(t, room, s)
		for i := range 6 {
			at := func(n int) string { return fmt.Sprint("e:", 3*i+n) }
			l.deleted(at(1), "1")
			synctest.Wait() // it is with its callback, and does not wait any more
			for n := 2; n <= 4; n++ {
				l.deleted(at(n), "2")
			}
			l.expect("phx_leave", `{}`)
			began := time.Now()
			for range 3 {
				hold <- struct{}{}
			}
			joinRef, ref := l.expect("phx_join", fmt.Sprintf(`{"_recover":%q}`, at(3)))
			if waited := time.Since(began); waited != 0 {
				t.Errorf("it has waited %v", waited)
			}
			l.send(`[%q,%q,"room:lobby","phx_reply",{"status":"ok","response":%s,"recovery":{"position":%q,"recovered":true}}]`, joinRef, ref, joined, at(3))
		}
	})
}

func TestPresenceIsPutTogetherFromStateAndDiffs(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(), lobby)
		var told recorder
		room.Presence().OnChange(func(change client.PresenceChange[chat.RoomPresence]) { told.add("%v", change) })
		l, joinRef := joinLobby(t, room, s)
		const meta = `{"metas":[{"name":%q,"typing":false,"phx_ref":%q}]}`
		diff := func(joins, leaves string) {
			l.send(`[null,null,"room:lobby","presence_diff",{"joins":{%s},"leaves":{%s}}]`, joins, leaves)
		}
		a, b := fmt.Sprintf(`"a":`+meta, "ada", "R1"), fmt.Sprintf(`"b":`+meta, "bob", "R2")
		diff(b, "") // before the state, as Phoenix does it
		told.expect(t)
		l.send(`[%q,null,"room:lobby","presence_state",{%s,"__proto__":{"metas":[],"user":{"id":1}}}]`, joinRef, a)
		told.expect(t, "{map[a:[{ada false}] b:[{bob false}]] map[]}")
		diff(`"a":{"metas":[{"name":"ada","typing":true,"phx_ref":"R3","phx_ref_prev":"R1"}]}`, a)
		told.expect(t, "{map[a:[{ada true}]] map[a:[{ada false}]]}")
		diff("", b)
		told.expect(t, "{map[] map[b:[{bob false}]]}")

		l.fail(errors.New("gone"))
		l = s.accept()
		joinRef, ref := l.expect("phx_join", `{}`)
		l.reply(joinRef, ref, "ok", joined)
		want := map[string][]chat.RoomPresence{"a": {{Name: "ada", Typing: true}}}
		if diff := cmp.Diff(want, room.Presence().List()); diff != "" {
			t.Errorf("kept meanwhile (-want +got):\n%s", diff)
		}
		l.send(`[%q,null,"room:lobby","presence_state",{"c":`+meta+`}]`, joinRef, "eve", "R9")
		told.expect(t, "{map[c:[{eve false}]] map[a:[{ada true}]]}")
	})
}

func TestBytesTravelInBinaryFrames(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := kitchen.NewKitchenClient(s.client(), kitchen.KitchenTopic{ID: 7, Type: "t", Owner: "01234567-89ab-cdef-0123-456789abcdef"})
		var told recorder
		room.OnBlob(func(b []byte) { told.add("blob %q", b) })
		room.OnBell(func() { told.add("bell") })
		room.OnShape(func(shape kitchen.Shape) { told.add("%T", shape) })
		result := start(func() error {
			_, err := room.Join(t.Context(), kitchen.KitchenJoin{})
			return err
		})
		l := s.accept()
		frame := l.next()
		const topic = "kitchen:7:t:of:01234567-89ab-cdef-0123-456789abcdef:"
		scalars := `{"bool":true,"string":"","int":1,"int64":"1","float":1,"timestamp":"2026-01-01T00:00:00Z","duration":1,"uuid":"01234567-89ab-cdef-0123-456789abcdef","bytes":"","json":null,"level":"low"}`
		l.send(`[%q,%q,%q,"phx_reply",{"status":"ok","response":{"scalars":%s}}]`, frame[0], frame[1], topic, scalars)
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		push := start(func() error { return room.Upload(t.Context(), []byte{0, 255}) })
		synctest.Wait()
		m := <-l.out                           // the heartbeat was taken before
		joinRef, ref := frame[0].(string), "3" // the heartbeat's, the join's, this
		want := "\x00" + string([]byte{byte(len(joinRef)), byte(len(ref)), byte(len(topic)), 6}) + joinRef + ref + topic + "upload\x00\xff"
		if !m.binary || string(m.data) != want {
			t.Errorf("got %q, want %q", m.data, want)
		}
		reply := "\x01" + string([]byte{byte(len(joinRef)), byte(len(ref)), byte(len(topic)), 2}) + joinRef + ref + topic + "ok"
		broadcast := "\x02" + string([]byte{byte(len(topic)), 4}) + topic + "blobdata"
		l.in <- message{data: []byte(broadcast), binary: true}
		l.in <- message{data: []byte(reply), binary: true}
		if err := <-push; err != nil {
			t.Error(err)
		}
		l.send(`[null,null,%q,"bell",{}]`, topic)
		l.send(`[null,null,%q,"shape",{"type":"circle","radius":1}]`, topic)
		l.send(`[null,null,%q,"shape",{"type":"unheard of"}]`, topic) // is logged
		told.expect(t, `blob "data"`, "bell", "*kitchen.ShapeCircle")
		l.in <- message{data: []byte{9}, binary: true}
		s.accept() // nobody can say what that was
	})
}
