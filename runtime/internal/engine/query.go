package engine

import (
	"net/url"
	"strings"

	"github.com/chgen/chgen/runtime/wire"
)

// The connect params that are the runtime's own.
const (
	paramVersion   = "vsn"
	paramGenerated = "chgen"
	paramRecover   = "_recover" // of join params, but reserved here too
	paramClient    = "_client"
)

// maxClient is how long a client's name for itself may be; a longer one is none.
const maxClient = 64

// ConnectQuery is the query of the request that opens a socket, without what is the runtime's own.
type ConnectQuery struct{ values url.Values }

func newConnectQuery(values url.Values) *ConnectQuery {
	for _, name := range []string{paramVersion, paramGenerated, paramRecover, paramClient} {
		values.Del(name)
	}
	return &ConnectQuery{values}
}

// Get returns the parameter's text. Of a parameter that is there several times, the last counts.
func (q *ConnectQuery) Get(name string) (value string, ok bool) { return lastValue(q.values, name) }

// Names returns the names of all parameters, in no order.
func (q *ConnectQuery) Names() []string {
	names := make([]string, 0, len(q.values))
	for name := range q.values {
		names = append(names, name)
	}
	return names
}

func lastValue(values url.Values, name string) (value string, ok bool) {
	all := values[name]
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1], true
}

// serializerFor returns the serializer of the version that the query asks for, nil where there is none (rule 1.5).
func serializerFor(query url.Values) wire.Serializer {
	vsn, ok := lastValue(query, paramVersion)
	if !ok {
		vsn = wire.DefaultVersion
		for name := range query {
			if strings.HasPrefix(name, paramVersion+"[") { // a list or a map is no version
				return nil
			}
		}
	}
	if ser, ok := wire.ForVersion(vsn); ok {
		return ser
	}
	return nil
}
