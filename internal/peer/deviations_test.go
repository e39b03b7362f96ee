package main

// deviations are all the ways in which chgen does not do what Phoenix does (docs/protocol.md has them as a table),
// each with why, and with every place in the recordings where it shows. Nothing else may differ.
var deviations = []deviation{
	{
		name:   "D1",
		reason: "An unknown event is the client's mistake: it is told so, and the channel lives.",
		differences: []difference{
			{in: "15_shape_int_event", after: `["1","2","room:lobby",7,{}]`, phoenix: []string{crashed("1")}, chgen: []string{fails("1", "2", "unknown_event")}},
			{in: "15_shape_int_event", after: sends("1", "3", "echo", `{"still":"joined?"}`), phoenix: []string{unmatched("3")},
				chgen: []string{reply("1", "3", "room:lobby", "ok", `{"still":"joined?"}`)}},
			{in: "15_shape_null_event", after: `["1","2","room:lobby",null,{}]`, phoenix: []string{crashed("1")}, chgen: []string{fails("1", "2", "unknown_event")}},
			{in: "15_shape_null_event", after: sends("3", "3", "phx_join", "{}"), chgen: []string{closed("1")}},
			{in: "17_unknown_event", after: sends("1", "2", "no_such_event", "{}"), phoenix: []string{crashed("1")}, chgen: []string{fails("1", "2", "unknown_event")}},
			{in: "17_unknown_event", after: sends("3", "3", "phx_join", "{}"), chgen: []string{closed("1")}},
			{in: "17_unknown_event", after: sends("3", "10", "phx_reply", "{}"), phoenix: []string{crashed("3")}, chgen: []string{fails("3", "10", "unknown_event")}},
			{in: "17_unknown_event", after: sends("20", "20", "phx_join", "{}"), chgen: []string{closed("3")}},
			{in: "17_unknown_event", after: sends("20", "11", "phx_error", "{}"), phoenix: []string{crashed("20")}, chgen: []string{fails("20", "11", "unknown_event")}},
			{in: "17_unknown_event", after: sends("21", "21", "phx_join", "{}"), chgen: []string{closed("20")}},
			{in: "17_unknown_event", after: sends("21", "12", "phx_close", "{}"), phoenix: []string{crashed("21")}, chgen: []string{fails("21", "12", "unknown_event")}},
			{in: "17_unknown_event", after: sends("22", "22", "phx_join", "{}"), chgen: []string{closed("21")}},
		},
	},
	{
		name:   "D2",
		reason: "A payload that the schema does not allow is the client's mistake: it is told where, and the channel lives.",
		differences: []difference{
			{in: "21_binary", after: "0001010a083939726f6f6d3a706c61696e7068785f6a6f696e01", phoenix: []string{okIn("room:plain", "9", "9")},
				chgen: []string{reply("9", "9", "room:plain", "error", `{"reason":"invalid_payload","path":"","message":"?"}`)}},
			{in: "04_join_string_params", after: `["1","1","room:lobby","phx_join","params"]`, phoenix: []string{fails("1", "1", "join crashed")},
				chgen: []string{reply("1", "1", "room:lobby", "error", `{"reason":"invalid_payload","path":"","message":"?"}`)}},
		},
	},
	{
		name:   "D3",
		reason: "Every push is answered exactly once, so that no client has to wait for a timeout to know.",
		differences: []difference{
			{in: "07_echo_fail_status", after: sends("1", "6", "noreply", "{}"), chgen: []string{ok("1", "6")}},
			{in: "08_shout", after: sends("1", "2", "shout", `{"m":"hi"}`), chgen: []string{ok("1", "2")}},
			{in: "12_stop", after: sends("1", "2", "stop", "{}"), phoenix: []string{closed("1")}, chgen: []string{ok("1", "2"), closed("1")}},
			{in: "18_server_push", after: sends("1", "2", "push_me", `{"a":1}`), chgen: []string{ok("1", "2")}},
			{in: "20_intercept", after: sends("1", "2", "tag", `{"m":"x"}`), phoenix: []string{taggedFor("1", "anon")}, chgen: []string{ok("1", "2"), taggedFor("1", "anon")}},
			{in: "21_binary", after: sends("1", "3", "bin_push", "{}"), chgen: []string{ok("1", "3")}},
			{in: "21_binary", after: sends("1", "4", "bin_shout", "{}"), chgen: []string{ok("1", "4")}},
			{in: "26_vsn_missing", after: `{"topic":"room:lobby","event":"shout","payload":{"a":1},"ref":"3"}`,
				chgen: []string{`{"topic":"room:lobby","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"3"}`}},
			{in: "19_async", after: sends("1", "5", "double_reply", "{}"), phoenix: []string{reply("1", "5", "room:lobby", "ok", `{"n":2}`)}},
			{in: "20_intercept_users", after: sends("7", "8", "tag", `{"m":"x","for":"nobody"}`), phoenix: []string{taggedFor("7", "bob")},
				chgen: []string{ok("7", "8"), taggedFor("7", "bob")}},
			{in: "24_drain", after: sends("1", "3", "drain_me", "{}"), phoenix: []string{"close 1012 "}, chgen: []string{ok("1", "3"), "close 1012 "}},
			{in: "32_auth_token_wins", after: sends("1", "2", "tag", "{}"), phoenix: []string{`["1",null,"room:lobby","tagged",{"for":"a"}]`},
				chgen: []string{ok("1", "2"), `["1",null,"room:lobby","tagged",{"for":"a"}]`}},
			{in: "32f_two_tokens", after: sends("1", "2", "tag", "{}"), phoenix: []string{`["1",null,"room:lobby","tagged",{"for":"anon"}]`},
				chgen: []string{ok("1", "2"), `["1",null,"room:lobby","tagged",{"for":"anon"}]`}},
			{in: "32_auth_token_subprotocol", after: sends("1", "2", "tag", "{}"), phoenix: []string{`["1",null,"room:lobby","tagged",{"for":"tokEn"}]`},
				chgen: []string{ok("1", "2"), `["1",null,"room:lobby","tagged",{"for":"tokEn"}]`}},
			{in: "50_longpoll_session", line: 10, chgen: []string{ok("1", "4")}},
			{in: "50_longpoll_session", line: 18, phoenix: []string{reply("1", "6", "room:lobby", "ok", `{"non":"ndjson"}`)},
				chgen: []string{ok("1", "5"), reply("1", "6", "room:lobby", "ok", `{"non":"ndjson"}`)}},
			{in: "56_longpoll_disconnect_broadcast", line: 10, phoenix: []string{`["1",null,"room:lobby","tagged",{"for":"lpuser"}]`},
				chgen: []string{ok("1", "2"), `["1",null,"room:lobby","tagged",{"for":"lpuser"}]`}},
		},
	},
	{
		name:   "D4",
		reason: "A push that crashes its handler is answered too.",
		differences: []difference{
			{in: "12_stop", after: sends("6", "7", "stop_abnormal", "{}"), phoenix: []string{crashed("6")}, chgen: []string{fails("6", "7", "internal"), crashed("6")}},
			{in: "12_stop", after: sends("8", "9", "bad_return", "{}"), phoenix: []string{crashed("8")}, chgen: []string{fails("8", "9", "internal"), crashed("8")}},
			{in: "26_vsn_missing", after: `{"topic":"room:lobby","event":"boom","payload":{},"ref":"6"}`,
				phoenix: []string{`{"topic":"room:lobby","event":"phx_error","payload":{"reason":"channel_crash"},"ref":null}`},
				chgen: []string{`{"topic":"room:lobby","event":"phx_reply","payload":{"status":"error","response":{"reason":"internal"}},"ref":"6"}`,
					`{"topic":"room:lobby","event":"phx_error","payload":{"reason":"channel_crash"},"ref":null}`}},
			{in: "10_crash", after: sends("1", "3", "boom", "{}"), phoenix: []string{crashed("1")}, chgen: []string{fails("1", "3", "internal"), crashed("1")}},
			{in: "16_null_join_ref", after: `[null,"4","room:lobby","boom",{}]`, phoenix: []string{nullCrash}, chgen: []string{fails("1", "4", "internal"), nullCrash}},
		},
	},
	{
		name:   "D5",
		reason: "A slow join keeps only its own topic waiting; a second one of that topic need not wait for it.",
		differences: []difference{
			{
				in: "35_slow_join_twice", after: `["2","3","room:slowjoin","echo",{"a":1}]`,
				phoenix: []string{okIn("room:slowjoin", "1", "1"), `["1","1","room:slowjoin","phx_close",{}]`},
				chgen:   []string{reply("1", "1", "room:slowjoin", "error", `{"reason":"closed"}`)},
			},
		},
	},
	{
		name:   "D6",
		reason: "An undecodable frame is the client's failure, not the server's, and the client is told which.",
		differences: []difference{
			{in: "14_malformed_*", phoenix: []string{"close 1011 "}, chgen: []string{"close 1007 ?"}},
			{in: "22_binary_malformed_*", phoenix: []string{"close 1011 "}, chgen: []string{"close 1007 ?"}},
			{in: "26_vsn_missing", phoenix: []string{"close 1011 "}, chgen: []string{"close 1007 ?"}},
			{in: "26_vsn_v1_life", phoenix: []string{"close 1011 "}, chgen: []string{"close 1007 ?"}},
			{in: "26_vsn_v1_array", phoenix: []string{"close 1011 "}, chgen: []string{"close 1007 ?"}},
		},
	},
	{
		name:   "D7",
		reason: "Older clients do not come back after 1000, so no server that wants them back may close with it.",
		differences: []difference{
			{in: "31_idle_*", phoenix: []string{"close 1002 "}, chgen: []string{"close 1001 idle"}},
		},
	},
	{
		name:   "D8",
		reason: "What is too much is refused as a whole, rather than cut in silence.",
		differences: []difference{
			{in: "55_longpoll_batch_over_100", line: 4, phoenix: []string{`response {"status":200}`}, chgen: []string{`response {"status":413,"reason":"?"}`}},
		},
	},
	{
		name:   "D9",
		reason: "Long-polling carries binary frames to the client too, in base64; the session lives on.",
		differences: []difference{
			{in: "50_longpoll_session", line: 22, phoenix: []string{`response {"error":"500.json"}`},
				chgen: []string{"bin:0101010a023137726f6f6d3a6c6f6262796f6b0102ff", `response {"status":200,"token":"<TOKEN>","messages":[]}`}},
			{in: "50_longpoll_session", line: 24, phoenix: []string{"response Error: socket hang up"}, chgen: []string{`response {"status":200}`}},
			{in: "50_longpoll_session", line: 26, phoenix: []string{`response {"status":204,"token":"<TOKEN>","messages":[]}`},
				chgen: []string{ok("1", "8"), closed("1"), `response {"status":200,"token":"<TOKEN>","messages":[]}`}},
		},
	},
	{
		name:   "D11",
		reason: "The runtime sends presence_state, and no diff that it contains already.",
		differences: []difference{
			{in: "33_presence", after: `["1","1","presence:lobby","phx_join",{"key":"alice"}]`, phoenix: []string{joins("alice")}},
			{in: "33_presence", after: `["7","7","presence:lobby","phx_join",{"key":"bob"}]`, phoenix: []string{joins("bob")}},
			{in: "33_presence", after: `["10","10","presence:lobby","phx_join",{"key":"alice"}]`, phoenix: []string{joins("alice")}},
			{in: "33_presence_untrack", after: `["1","1","presence:lobby","phx_join",{"key":"alice","status":"busy"}]`,
				phoenix: []string{joinsIn("presence:lobby", "alice", "busy")}},
			{in: "33_presence_gone", after: `["1","1","presence:p","phx_join",{}]`, phoenix: []string{joinsIn("presence:p", "ann", "online")}},
			{in: "33_presence_gone", after: `["2","2","presence:p","phx_join",{"status":"x"}]`, phoenix: []string{joinsIn("presence:p", "bob", "x")}},
			{in: "33_presence_gone", after: `["3","3","presence:p","phx_join",{"status":"y"}]`, phoenix: []string{joinsIn("presence:p", "bob", "y")}},
			{in: "33_presence_keys", after: `["1","1","presence:k0","phx_join",{"key":"__proto__"}]`, phoenix: []string{joinsIn("presence:k0", "__proto__", "online")}},
			{in: "33_presence_keys", after: `["2","2","presence:k1","phx_join",{"key":""}]`, phoenix: []string{joinsIn("presence:k1", "", "online")}},
			{in: "33_presence_keys", after: `["3","3","presence:k2","phx_join",{"key":"k\u00eb\ud83d\udca5\"\\\n"}]`, phoenix: []string{joinsIn("presence:k2", `k\u00eb\ud83d\udca5\"\\\n`, "online")}},
			{in: "32j_auth_token_default", after: `["1","1","presence:q","phx_join",{}]`, phoenix: []string{joinsIn("presence:q", "u", "online")}},
			{in: "57_longpoll_auth_token", line: 7,
				phoenix: []string{joinsIn("presence:x", "u", "online")}},
			{in: "33_presence_untrack", after: `["7","7","presence:lobby","phx_join",{}]`, phoenix: []string{joins("anon")}},
		},
	},
	{name: "D10", reason: "Leave tells a handler of its end whatever ends it; the wire does not show it."},
	{name: "D12", reason: "The most specific pattern wins, whatever the order of the schema; the peer's patterns have nothing in common."},
	{name: "D13", reason: "A server need not know its own name; the peer compares with localhost by a function of its own, as the recorded one."},
	{name: "D14", reason: "A frame without limit is an invitation; no recording sends one that is larger than 64 KiB."},
	{name: "rule 9.5", reason: "A topic has at most 255 bytes in text frames too, so that whoever joins also gets binary events."},
	{
		name:   "rule 3.15",
		reason: "Phoenix lets a join overtake the leave before it, whose reply then never comes. Here the frames of a topic keep their order.",
		differences: []difference{
			{in: "11_leave", after: sends("5", "6", "phx_leave", "{}"), chgen: []string{ok("5", "6"), closed("5")}},
			{in: "11_leave", after: sends("5", "7", "echo", "{}"), chgen: []string{unmatched("7")}},
			{in: "11_leave", after: sends("8", "8", "phx_join", "{}"), phoenix: []string{closed("5")}},
			{in: "37_leave_rejoin_race", after: sends("1", "2", "phx_leave", "{}"), chgen: []string{ok("1", "2"), closed("1")}},
			{in: "37_leave_rejoin_race", after: sends("3", "3", "phx_join", "{}"), phoenix: []string{closed("1")}},
		},
	},
	{
		name:   "rule 2.7",
		reason: "A chgen server knows the statuses ok and error.",
		differences: []difference{
			{in: "07_echo_fail_status", after: sends("1", "5", "custom_status", "{}"),
				phoenix: []string{reply("1", "5", "room:lobby", "weird", `{"a":1}`)}, chgen: []string{reply("1", "5", "room:lobby", "ok", `{"a":1}`)}},
		},
	},
}

// joins is the diff of somebody who has come to presence:lobby.
func joins(key string) string { return joinsIn("presence:lobby", key, "online") }

// joinsIn is the diff of somebody who has come.
func joinsIn(topic, key, status string) string {
	return `[null,null,"` + topic + `","presence_diff",{"joins":{"` + key + `":{"metas":[{"phx_ref":"new","status":"` + status + `"}]}},"leaves":{}}]`
}

// taggedFor is what an intercept makes of the broadcast {"m":"x"}, in its turn: after the reply to the push that it
// comes from.
func taggedFor(joinRef, user string) string {
	return `["` + joinRef + `",null,"room:lobby","tagged",{"for":"` + user + `","m":"x"}]`
}

// nullCrash is the phx_error of a channel that was joined without a join_ref.
const nullCrash = `[null,null,"room:lobby","phx_error",{"reason":"channel_crash"}]`
