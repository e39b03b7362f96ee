package names_test

import (
	"go/token"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/schema/names"
)

func TestGoWritesExportedIdentifiers(t *testing.T) {
	t.Parallel()
	compare(t, names.Go, map[string]string{
		"body":                 "Body",
		"room_id":              "RoomID",
		"url":                  "URL",
		"retry_after_ms":       "RetryAfterMs",
		"send_message":         "SendMessage",
		"cursor.moved":         "CursorMoved",
		"a-b:c":                "ABC",
		"userId":               "UserID",
		"user_ids":             "UserIDs",
		"IDs":                  "IDs",
		"HTTPServer":           "HTTPServer",
		"ip4":                  "IP4",
		"utf8_text":            "UTF8Text",
		"v1.2":                 "V1_2",
		"trailing_":            "Trailing",
		"identity":             "Identity",
		"type":                 "Type",
		"1st":                  "X1st",
		"":                     "X",
		"\xff":                 "X",
		"\u00fcber":            "\u00dcber",
		"\u4e16\u754c":         "X\u4e16\u754c",
		"a\u0301b":             "AB",
		"https_only_json_rpc2": "HTTPSOnlyJSONRPC2",
	})
}

func TestEnumConstNamesAnyText(t *testing.T) {
	t.Parallel()
	enum := func(wire string) string { return names.EnumConst("State", wire) }
	compare(t, enum, map[string]string{
		"member":          "StateMember",
		"in progress":     "StateInProgress",
		"in-progress":     "StateInProgress",
		"+1":              "StatePlus1",
		"-1":              "StateMinus1",
		"1":               "State1",
		"1.0":             "State1_0",
		"10":              "State10",
		"":                "StateEmpty",
		" ":               "StateSpace",
		"--":              "StateMinusMinus",
		"c++":             "StateCPlusPlus",
		"c#":              "StateCHash",
		"<=":              "StateLessEqual",
		"\U0001F44D":      "StateU1F44D",
		"gr\u00f6\u00dfe": "StateGr\u00f6\u00dfe",
	})
}

func TestLowerCamelLowersTheFirstWord(t *testing.T) {
	t.Parallel()
	compare(t, names.LowerCamel, map[string]string{
		"Room": "room", "ChatRoom": "chatRoom", "URLFeed": "urlFeed", "URL": "url", "IDs": "ids",
		"IDsSeen": "idsSeen", "HTTP2": "http2", "X": "x", "ABTest": "abTest", "": "",
	})
}

func FuzzNamesAreIdentifiers(f *testing.F) {
	for _, seed := range []string{"", "a_b", "+1", "\xff\xfe", "\u01c5", "\u0660", "1", "_", "\u00aa"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, wire string) {
		if id := names.Go(wire); !token.IsIdentifier(id) || !token.IsExported(id) {
			t.Errorf("Go(%q) = %q, which is no exported identifier", wire, id)
		}
		if id := names.EnumConst("E", wire); !token.IsIdentifier(id) || id == "E" {
			t.Errorf("EnumConst(%q) = %q, which is no identifier of its own", wire, id)
		}
	})
}

func compare(t *testing.T, name func(string) string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for wire := range want {
		got[wire] = name(wire)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names differ (-want +got):\n%s", diff)
	}
}
