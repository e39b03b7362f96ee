package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestRecordings plays what was recorded of a real Phoenix server.
func TestRecordings(t *testing.T) {
	t.Parallel()
	replay(t, "", 1)
}

// TestRecordingsOnTwoNodes plays the same against two servers between which requests alternate: nobody is to notice.
func TestRecordingsOnTwoNodes(t *testing.T) {
	t.Parallel()
	replay(t, "", 2)
}

// TestRules plays what the rules of the protocol say a Phoenix server does where no recording shows it.
func TestRules(t *testing.T) {
	t.Parallel()
	replay(t, "rules", 1)
}

func TestRulesOnTwoNodes(t *testing.T) {
	t.Parallel()
	replay(t, "rules", 2)
}

func replay(t *testing.T, folder string, size int) {
	t.Helper()
	for _, file := range recordings(t, folder) {
		t.Run(nameOf(file), func(t *testing.T) {
			t.Parallel()
			lines := deviate(t, nameOf(file), read(t, file))
			synctest.Test(t, func(t *testing.T) {
				if problem := play(t, lines, oneByOne[nameOf(file)], size); problem != "" {
					t.Error(problem)
				}
			})
		})
	}
}

// oneByOne are the recordings that send several things at once of which chgen answers one in two ways: an echo behind a
// leave finds the membership either ending (closed) or gone (unmatched topic).
var oneByOne = map[string]bool{"11_leave": true}

// play does what the client did, each thing once all that came before it in the recording has come, and compares. What
// was sent at the same time, with nothing between, is sent at once.
func play(t *testing.T, lines []line, oneByOne bool, size int) (problem string) {
	p := newPlayer(t, size)
	defer p.stop()
	compared := newComparison()
	var want []*event
	last := -1.0 // when something was sent, nothing having come since
	for i := range lines {
		l := &lines[i]
		switch {
		case l.Dir == "send" && l.Millis == last && !oneByOne:
			p.do(i+1, l)
		case l.action():
			p.until(l)
			if problem := compared.check(want, p.events(), false); problem != "" {
				return fmt.Sprintf("before line %d:\n%s", i+1, problem)
			}
			p.do(i+1, l)
			last = l.Millis
		default:
			last = -1
		}
		want = append(want, l.wants...)
	}
	<-time.After(lines[len(lines)-1].at() + settle - time.Since(p.begun))
	if problem := compared.check(want, p.events(), true); problem != "" {
		return "at the end:\n" + problem
	}
	return ""
}

// settle is how long is listened after the last line for what should not come.
const settle = 50 * time.Millisecond

// TestEveryDeviationIsExplained holds the table to what it is for.
func TestEveryDeviationIsExplained(t *testing.T) {
	t.Parallel()
	names := make(map[string]bool)
	for _, folder := range []string{"", "rules"} {
		for _, file := range recordings(t, folder) {
			names[nameOf(file)] = true
		}
	}
	for _, d := range deviations {
		if d.name == "" || d.reason == "" {
			t.Errorf("%+v: want a name and a reason", d)
		}
		for _, diff := range d.differences {
			if !matchesAny(diff.in, names) {
				t.Errorf("%s: there is no recording %s", d.name, diff.in)
			}
		}
	}
}
