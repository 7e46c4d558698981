package cloaca

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxKeyLength of a context key, in UTF-16 units.
const maxKeyLength = 256

// reservedKey is no context key: a map in JavaScript loses it.
const reservedKey = "__proto__"

// decodeValue reads the JSON text of a key into a pointer.
func decodeValue(key, text string, into any) error {
	if !json.Valid([]byte(text)) || hasLoneSurrogate(text) {
		return finalError(CodeValueInvalid, "context key %q: %s is no JSON value", key, cut(strconv.Quote(text), 100))
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	// Into an `any` too a number stays what it is.
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		code := CodeValueInvalid
		var mismatch *json.UnmarshalTypeError
		if errors.As(err, &mismatch) && strings.HasPrefix(mismatch.Value, "number ") {
			code = CodeNumberUnsafe
		}
		return finalError(code, "context key %q: %s", key, strings.TrimPrefix(err.Error(), "json: "))
	}
	if number := lostInteger(text, into); number != "" {
		return finalError(CodeNumberUnsafe, "context key %q: %s does not fit a floating-point number; read it as an integer or a json.Number", key, number)
	}
	return nil
}

// encodeValue writes a value down as JSON.
func encodeValue(key string, value any) (string, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", finalError(CodeValueInvalid, "context key %q: %s", key, strings.TrimPrefix(err.Error(), "json: "))
	}
	text := strings.TrimSuffix(buffer.String(), "\n")
	_, isText := value.(json.RawMessage)
	// The encoder writes what is no UTF-8 as an escaped U+FFFD, and a true U+FFFD as itself.
	if hasLoneSurrogate(text) || (!isText && hasEscape(text, func(unit uint16) bool { return unit == 0xfffd })) {
		return "", finalError(CodeValueInvalid, "context key %q: the value has text that is not valid UTF-8", key)
	}
	return text, nil
}

func checkKey(key string) error {
	if key == "" || !utf8.ValidString(key) || utf16Length(key) > maxKeyLength {
		return finalError(CodeKeyInvalid, "context key %s: a key is valid UTF-8, of 1 to %d UTF-16 units", cut(strconv.Quote(key), 100), maxKeyLength)
	}
	if key == reservedKey {
		return finalError(CodeKeyInvalid, "context key %q is reserved, since objects in JavaScript lose it; use another name", key)
	}
	return nil
}

func utf16Length(text string) int {
	units := 0
	for _, r := range text {
		units++
		if r > 0xffff {
			units++
		}
	}
	return units
}

// hasLoneSurrogate tells whether a valid JSON text has an escaped half of a pair, which no UTF-8 can say (C.3).
func hasLoneSurrogate(text string) bool {
	const none = 0
	high := none
	end := -1
	for at, unit := range escapes(text) {
		isPair := high != none && at == end && unit >= 0xdc00 && unit <= 0xdfff
		switch {
		case isPair:
			high = none
			continue
		case high != none, unit >= 0xdc00 && unit <= 0xdfff:
			return true
		case unit >= 0xd800 && unit <= 0xdbff:
			high, end = int(unit), at+len(`\ud83d`)
		}
	}
	return high != none
}

func hasEscape(text string, is func(unit uint16) bool) bool {
	for _, unit := range escapes(text) {
		if is(unit) {
			return true
		}
	}
	return false
}

// escapes yields each \uXXXX of a valid JSON text with its place.
func escapes(text string) func(yield func(int, uint16) bool) {
	return func(yield func(int, uint16) bool) {
		for at := strings.IndexByte(text, '\\'); at >= 0 && at+1 < len(text); {
			next := at + 2
			if text[at+1] == 'u' && at+6 <= len(text) {
				unit, err := strconv.ParseUint(text[at+2:at+6], 16, 16)
				if err == nil && !yield(at, uint16(unit)) {
					return
				}
				next = at + 6
			}
			rest := strings.IndexByte(text[next:], '\\')
			if rest < 0 {
				return
			}
			at = next + rest
		}
	}
}

// cut shortens a text to at most so many bytes, at the end of a character.
func cut(text string, bytes int) string {
	const more = "…"
	if len(text) <= bytes {
		return text
	}
	if bytes < len(more) {
		return ""
	}
	end := bytes - len(more)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + more
}

// validText makes a text one that a message can carry.
func validText(value any) string {
	return strings.ToValidUTF8(fmt.Sprint(value), "\ufffd")
}
