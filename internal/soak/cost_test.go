package soak_test

import (
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/chgen/chgen/internal/redistest"
	"github.com/chgen/chgen/internal/soak/contract"
	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/channeltest"
	"github.com/chgen/chgen/runtime/client"
	"github.com/chgen/chgen/runtime/pubsub/redis"
)

// calls returns how often Redis has run a command, also within scripts.
func calls(s *redistest.Server, command string) int {
	found := regexp.MustCompile(`cmdstat_` + command + `:calls=(\d+)`).FindStringSubmatch(s.Do("INFO", "commandstats"))
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(found[1]) // digits
	return n
}

// costly is a server whose bus says nothing of its own accord.
func costly(t *testing.T) (*redistest.Server, *channel.Server, *channeltest.Site) {
	t.Helper()
	r := redistest.Start(t)
	bus, err := redis.New(t.Context(), r.URL(), redis.Options{Probe: time.Hour, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	s := channel.NewServer(channel.WithPubSub(bus), channel.WithSecret(secret), channel.WithLogger(slog.New(slog.DiscardHandler)),
		channel.WithPresenceTimes(time.Hour, 2*time.Hour))
	handle(s)
	return r, s, channeltest.New(t, s)
}

func joinTopic(t *testing.T, c *client.Client, name string) *client.Channel {
	t.Helper()
	ch := client.NewChannel(c, client.Spec{Topic: "long:{name}"}, name)
	if err := ch.Join(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}
	return ch
}

func TestIdleTopicsCostTheBusNothing(t *testing.T) {
	t.Parallel()
	r, _, site := costly(t)
	for i := range 10 {
		c := site.Connect(nil)
		for k := range 100 {
			joinTopic(t, c, fmt.Sprint(i, "-", k))
		}
	}
	r.Do("CONFIG", "RESETSTAT")
	<-time.After(2 * time.Second)
	for _, command := range []string{"publish", "subscribe", "unsubscribe", "evalsha", "eval"} {
		if n := calls(r, command); n != 0 {
			t.Errorf("%d times %s while nothing was said", n, command)
		}
	}
}

func TestAPublicationCostsTheBusOneMessageHoweverManyHearIt(t *testing.T) {
	t.Parallel()
	const members, publications = 1000, 10
	r, s, site := costly(t)
	var joining sync.WaitGroup
	var heard sync.WaitGroup
	next := make(chan int)
	for range 16 {
		joining.Go(func() {
			for range next {
				joinTopic(t, site.Connect(nil), "t").On("said", func(client.Payload) error { heard.Done(); return nil })
			}
		})
	}
	for i := range members {
		next <- i
	}
	close(next)
	joining.Wait()
	r.Do("CONFIG", "RESETSTAT")
	heard.Add(members * publications)
	for i := range publications {
		if err := contract.BroadcastLong(s, contract.LongTopic{Name: "t"}).Said(t.Context(), contract.Note{ID: strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	heard.Wait()
	for command, want := range map[string]int{"publish": publications, "evalsha": publications, "subscribe": 0} {
		if n := calls(r, command); n != want {
			t.Errorf("%d times %s, want %d", n, command, want)
		}
	}
}
