// Package names turns the names of a schema into identifiers of Go and TypeScript. It is shared by the checks, which
// refuse two names that end as one identifier, and by the templates, so that both always agree.
//
// A wire name is a name as the schema writes it (room_id, cursor.moved). The names of types and channels are
// UpperCamel already and are used as they are: they never pass through Go. All functions are pure.
package names

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// initialisms are the words that Go spells in capitals.
var initialisms = wordSet(`acl api ascii cpu css csv db dns eof grpc guid html http https id io ip jpeg json jwt
	lan mac pdf png qps ram rgb rpc sla smtp sql ssh ssl svg tcp tls ttl tv udp ui uid uri url usb utc utf8 uuid
	vm vpn wan wifi xml xsrf xss yaml zip`)

// symbols are the words for the characters of an enum value that no identifier can hold.
var symbols = map[rune]string{
	'!': "Not", '"': "Quote", '#': "Hash", '$': "Dollar", '%': "Percent", '&': "And", '\'': "Apostrophe",
	'(': "Open", ')': "Close", '*': "Star", '+': "Plus", ',': "Comma", '-': "Minus", '.': "Dot", '/': "Slash",
	':': "Colon", ';': "Semicolon", '<': "Less", '=': "Equal", '>': "Greater", '?': "Question", '@': "At",
	'[': "Open", '\\': "Backslash", ']': "Close", '^': "Caret", '_': "Underscore", '`': "Backtick",
	'{': "Open", '|': "Bar", '}': "Close", '~': "Tilde", ' ': "Space", '\t': "Tab", '\n': "Newline",
}

// separators stand between the words of a name and are not spelled out there.
const separators = "_-.:/, '\t\n"

// Go returns the exported Go identifier for a wire name: room_id is RoomID, a-b:c is ABC, v1.2 is V1_2. The result
// is a valid identifier for any text; different texts may share one.
func Go(wire string) string {
	id := pascal(wire)
	first, _ := utf8.DecodeRuneInString(id)
	if !unicode.IsUpper(first) {
		return "X" + id
	}
	return id
}

// EnumConst returns the exported Go identifier of one value of an enum: the value "in progress" of State is
// StateInProgress, "+1" is StatePlus1 and "" is StateEmpty. The result is a valid identifier for any text; different
// texts may share one.
func EnumConst(enum, wire string) string {
	return enum + pascal(spell(wire))
}

// LowerCamel returns an UpperCamel name with its first word in small letters: ChatRoom is chatRoom, URLFeed is
// urlFeed. The result may be a reserved word.
func LowerCamel(upperCamel string) string {
	runes := []rune(upperCamel)
	n := 0
	for n < len(runes) && unicode.IsUpper(runes[n]) {
		n++
	}
	// The last capital of several begins the next word, unless what follows is the s of a plural (IDs).
	if n > 1 && n < len(runes) && unicode.IsLower(runes[n]) && !isPluralEnd(runes[n:]) {
		n--
	}
	return strings.ToLower(string(runes[:n])) + string(runes[n:])
}

func isPluralEnd(rest []rune) bool {
	return rest[0] == 's' && (len(rest) == 1 || unicode.IsUpper(rest[1]))
}

// pascal joins the words of a text, each with its first letter capital. Between two digits an underscore remains.
func pascal(text string) string {
	var b strings.Builder
	for _, word := range words(text) {
		if s := b.String(); s != "" && isDigit(s[len(s)-1]) && isDigit(word[0]) {
			b.WriteByte('_')
		}
		b.WriteString(capitalize(word))
	}
	return b.String()
}

// words splits at whatever is neither a letter nor a digit, and before a capital that follows a small letter.
func words(text string) []string {
	var all []string
	start, prev := -1, rune(0)
	end := func(i int) {
		if start >= 0 {
			all = append(all, text[start:i])
		}
		start = -1
	}
	for i, r := range text {
		switch {
		case r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end(i)
			prev = 0
			continue
		case unicode.IsUpper(r) && unicode.IsLower(prev):
			end(i)
		}
		if start < 0 {
			start = i
		}
		prev = r
	}
	end(len(text))
	return all
}

// capitalize writes initialisms in capitals, also in the plural and with a number after them (ids, ip4).
func capitalize(word string) string {
	stem := strings.TrimRight(word, "0123456789")
	number := word[len(stem):]
	lower := strings.ToLower(word)
	if initialisms[lower] {
		return strings.ToUpper(word)
	}
	lower = strings.ToLower(stem)
	if initialisms[lower] {
		return strings.ToUpper(stem) + number
	}
	if singular, ok := strings.CutSuffix(lower, "s"); ok && initialisms[singular] {
		return strings.ToUpper(singular) + "s" + number
	}
	r, size := utf8.DecodeRuneInString(word)
	return string(unicode.ToUpper(r)) + word[size:]
}

// spell writes the characters out that no identifier can hold, but for separators between words.
func spell(text string) string {
	if text == "" {
		return "empty"
	}
	onlySymbols := len(words(text)) == 0
	var b strings.Builder
	for i, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
			continue
		}
		word, ok := symbols[r]
		switch {
		case strings.ContainsRune(separators, r) && i > 0 && !onlySymbols:
			word = ""
		case !ok:
			word = "U" + strings.ToUpper(strconv.FormatInt(int64(r), 16))
		}
		b.WriteString(" " + word + " ")
	}
	return b.String()
}

func wordSet(list string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(list) {
		set[word] = true
	}
	return set
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
