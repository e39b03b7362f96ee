package codec

import (
	"bytes"
	"sync"
)

// skipper passes over values that nobody wants to see, as strictly as if somebody did.
type skipper struct {
	data  []byte
	names [][]byte      // of the objects that are open, innermost last: what nameSet needs
	types *[]typeMember // where every member "type" is, where somebody wants to know
}

// maxNames is how many names memory is kept for.
const maxNames = 1024

var nameStacks = sync.Pool{New: func() any {
	names := make([][]byte, 0, fewNames)
	return &names
}}

// pooled is value with memory for names that others have used before.
func (s *skipper) pooled(i int) (end int, problem string) {
	stack := nameStacks.Get().(*[][]byte)
	s.names = *stack
	end, problem = s.value(i, 0)
	if cap(s.names) <= maxNames {
		*stack = s.names[:0]
	}
	nameStacks.Put(stack)
	return end, problem
}

// value checks the value at i, which is not at white space, and returns the index after it, or of the problem.
func (s *skipper) value(i, depth int) (end int, problem string) {
	if i >= len(s.data) {
		return len(s.data), errTruncated
	}
	switch c := s.data[i]; {
	case c == '"':
		end, _, problem = scanString(s.data, i)
		return end, problem
	case c == '-' || '0' <= c && c <= '9':
		return scanNumber(s.data, i)
	case c == '{' || c == '[':
		if depth >= MaxDepth {
			return i, errDepth
		}
		if c == '{' {
			return s.object(i, depth+1)
		}
		return s.array(i, depth+1)
	case c == 't':
		return s.literal(i, "true")
	case c == 'f':
		return s.literal(i, "false")
	case c == 'n':
		return s.literal(i, "null")
	}
	return i, errSyntax
}

func (s *skipper) literal(i int, want string) (end int, problem string) {
	if !bytes.HasPrefix(s.data[i:], []byte(want)) {
		return i, errSyntax
	}
	return i + len(want), ""
}

func (s *skipper) array(i, depth int) (end int, problem string) {
	i = SkipSpace(s.data, i+1)
	if i < len(s.data) && s.data[i] == ']' {
		return i + 1, ""
	}
	for {
		if i, problem = s.value(i, depth); problem != "" {
			return i, problem
		}
		i = SkipSpace(s.data, i)
		switch {
		case i >= len(s.data):
			return i, errTruncated
		case s.data[i] == ']':
			return i + 1, ""
		case s.data[i] != ',':
			return i, errSyntax
		}
		i = SkipSpace(s.data, i+1)
	}
}

func (s *skipper) object(i, depth int) (end int, problem string) {
	start, set := i, nameSet{mark: len(s.names)}
	i = SkipSpace(s.data, i+1)
	if i < len(s.data) && s.data[i] == '}' {
		return i + 1, ""
	}
	for {
		if i, problem = s.member(start, i, depth, &set); problem != "" {
			return i, problem
		}
		i = SkipSpace(s.data, i)
		switch {
		case i >= len(s.data):
			return i, errTruncated
		case s.data[i] == '}':
			s.names = s.names[:set.mark]
			return i + 1, ""
		case s.data[i] != ',':
			return i, errSyntax
		}
		i = SkipSpace(s.data, i+1)
	}
}

// member checks the name and value at i of the object at object.
func (s *skipper) member(object, i, depth int, set *nameSet) (end int, problem string) {
	start := i
	i, plain, problem := scanName(s.data, i)
	if problem != "" {
		return i, problem
	}
	name := s.data[start+1 : i-1]
	if !plain {
		name = Unquote(nil, s.data[start:i])
	}
	if i, problem = scanColon(s.data, i); problem != "" {
		return i, problem
	}
	if !set.add(&s.names, name) {
		return i, errDuplicate
	}
	if s.types != nil && string(name) == "type" {
		*s.types = append(*s.types, typeMember{object, i})
	}
	return s.value(i, depth)
}

// scanName returns the index after the name at i.
func scanName(data []byte, i int) (end int, plain bool, problem string) {
	if i >= len(data) {
		return len(data), false, errTruncated
	}
	if data[i] != '"' {
		return i, false, errSyntax
	}
	return scanString(data, i)
}

// scanColon returns the index of the value after the name that ends at i.
func scanColon(data []byte, i int) (end int, problem string) {
	i = SkipSpace(data, i)
	if i >= len(data) {
		return len(data), errTruncated
	}
	if data[i] != ':' {
		return i, errSyntax
	}
	return SkipSpace(data, i+1), ""
}

// fewNames is how many names are compared one by one.
const fewNames = 16

// nameSet is the names that one object has had. The first few stand in a stack that all open objects share.
type nameSet struct {
	mark int // where this object's names begin in the stack
	more map[string]struct{}
}

// add reports whether name is new. It keeps name itself, not a copy.
func (s *nameSet) add(stack *[][]byte, name []byte) bool {
	for _, n := range (*stack)[s.mark:] {
		if bytes.Equal(n, name) {
			return false
		}
	}
	if len(*stack)-s.mark < fewNames {
		*stack = append(*stack, name)
		return true
	}
	if _, ok := s.more[string(name)]; ok {
		return false
	}
	if s.more == nil {
		s.more = make(map[string]struct{})
	}
	s.more[string(name)] = struct{}{}
	return true
}
