package cloaca

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
)

// longInteger digits and more may be more than a float64 holds.
const longInteger = 16

// lostInteger finds an integer of a JSON text that was read into a floating-point number which cannot hold it (C.2); it
// returns "" where there is none.
func lostInteger(text string, into any) string {
	if !hasLongInteger(text) {
		return ""
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var read any
	if decoder.Decode(&read) != nil {
		return ""
	}
	return compareNumbers(reflect.ValueOf(into), read)
}

func hasLongInteger(text string) bool {
	digits := 0
	for at := range len(text) {
		if text[at] >= '0' && text[at] <= '9' {
			if digits++; digits >= longInteger {
				return true
			}
		} else {
			digits = 0
		}
	}
	return false
}

// compareNumbers walks what was read into Go's types beside the same JSON with its numbers as they are.
func compareNumbers(value reflect.Value, read any) string {
	for value.Kind() == reflect.Pointer || value.Kind() == reflect.Interface {
		value = value.Elem()
	}
	switch read := read.(type) {
	case json.Number:
		if value.CanFloat() && !holds(value.Float(), string(read)) {
			return string(read)
		}
	case []any:
		if value.Kind() != reflect.Slice && value.Kind() != reflect.Array {
			return ""
		}
		for i := range min(value.Len(), len(read)) {
			if lost := compareNumbers(value.Index(i), read[i]); lost != "" {
				return lost
			}
		}
	case map[string]any:
		for key, one := range read {
			if lost := compareNumbers(member(value, key), one); lost != "" {
				return lost
			}
		}
	}
	return ""
}

// member finds what a key of a JSON object was read into; an invalid value where that is nothing.
func member(value reflect.Value, key string) reflect.Value {
	switch {
	case value.Kind() == reflect.Map && value.Type().Key().Kind() == reflect.String:
		return value.MapIndex(reflect.ValueOf(key).Convert(value.Type().Key()))
	case value.Kind() == reflect.Struct:
		for _, field := range fieldsOf(value.Type()) {
			if strings.EqualFold(field.key, key) {
				found, err := value.FieldByIndexErr(field.index)
				if err == nil {
					return found
				}
			}
		}
	}
	return reflect.Value{}
}

func holds(float float64, literal string) bool {
	if strings.ContainsAny(literal, ".eE") {
		return true
	}
	wanted, ok := new(big.Int).SetString(literal, 10)
	if !ok {
		return true
	}
	held, _ := new(big.Float).SetFloat64(float).Int(nil)
	return held.Cmp(wanted) == 0
}

// field of a struct, with the key that it has in JSON.
type field struct {
	key   string
	index []int
	// isOptional: it may be left out.
	isOptional bool
}

func fieldsOf(structure reflect.Type) []field {
	var fields []field
	for _, f := range reflect.VisibleFields(structure) {
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || f.Anonymous || (tag == "-" && options == "") {
			continue
		}
		key := f.Name
		if tag != "" {
			key = tag
		}
		omits := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		fields = append(fields, field{key, f.Index, omits || f.Type.Kind() == reflect.Pointer})
	}
	return fields
}
