package typescript

import (
	"strings"

	"github.com/chgen/chgen/schema/names"
)

// taken are the names of JavaScript and TypeScript that a declaration of the module must not hide: what the runtime
// uses of them has to stay what it is, and a reader has to be able to trust them.
var taken = wordSet(`
	AbortController AggregateError Array ArrayBuffer ArrayLike AsyncGenerator AsyncIterable AsyncIterableIterator AsyncIterator Atomics Awaited
	BigInt BigInt64Array BigUint64Array Boolean Capitalize ConstructorParameters DataView Date
	Error EvalError Event EventTarget Exclude Extract FinalizationRegistry Float32Array Float64Array Function
	Generator Infinity InstanceType Int16Array Int32Array Int8Array Intl Iterable Iterator IterableIterator IteratorResult
	JSON Lowercase Map Math MessageChannel NaN NoInfer NonNullable Number Object Omit Parameters Partial Pick Promise PromiseLike
	PropertyKey Proxy RangeError Readonly ReadonlyArray ReadonlyMap ReadonlySet Record ReferenceError Reflect RegExp
	Required ReturnType Set SharedArrayBuffer String Symbol SyntaxError TextDecoder TextEncoder ThisType TypeError
	URIError URL Uint16Array Uint32Array Uint8Array Uint8ClampedArray Uncapitalize Uppercase WeakMap WeakRef WeakSet
	WebSocket

	arguments as async await break case catch class const continue debugger default delete do else enum eval export
	extends false finally for function globalThis if implements import in instanceof interface let new null package
	private protected public return static super switch this throw true try typeof undefined var void while with
	yield
`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(words) {
		set[word] = true
	}
	return set
}

// escape makes name one that the module may declare. No name of a schema's types and channels ends in an underscore.
func escape(name string) string {
	if taken[name] {
		return name + "_"
	}
	return name
}

// errorName names the type of a declared error.
func errorName(wire string) string {
	return escape(names.Go(wire) + "Error")
}
