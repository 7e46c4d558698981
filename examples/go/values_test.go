package cloaca

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// The texts of test/fixtures/context-values.json, shared with the hosts in other languages.
func TestContextValues(t *testing.T) {
	bytes, err := os.ReadFile("../../test/fixtures/context-values.json")
	if err != nil {
		t.Fatal(err)
	}
	var fixture struct {
		Texts []struct {
			Name, Text, Canonical string
			Unsafe, Invalid       bool
		}
	}
	if err := json.Unmarshal(bytes, &fixture); err != nil {
		t.Fatal(err)
	}
	if len(fixture.Texts) < 40 {
		t.Fatalf("the fixture has %d texts", len(fixture.Texts))
	}
	for _, one := range fixture.Texts {
		t.Run(one.Name, func(t *testing.T) {
			var value any
			err := decodeValue("key", one.Text, &value)
			if one.Invalid {
				if !HasCode(err, CodeValueInvalid) || !IsPermanent(err) {
					t.Fatalf("%s was read as %v, %v", one.Text, value, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := encodeValue("key", value)
			if err != nil {
				t.Fatal(err)
			}
			// Numbers stay as they are written, however large (C.2).
			if !sameJSON(t, text, one.Text) {
				t.Errorf("%s came back as %s", one.Text, text)
			}
			if one.Canonical != "" && !one.Unsafe && !sameFloats(t, text, one.Canonical) {
				t.Errorf("%s came back as %s, not as %s", one.Text, text, one.Canonical)
			}
		})
	}
}

func IsPermanent(err error) bool { return judgementOf(err) == final }

func sameJSON(t *testing.T, a, b string) bool {
	read := func(text string) string {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatal(err)
		}
		canonical, _ := json.Marshal(value)
		return string(canonical)
	}
	return read(a) == read(b)
}

func sameFloats(t *testing.T, a, b string) bool {
	read := func(text string) string {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if value == 0.0 {
			value = 0.0 + math.Abs(0)
		}
		canonical, _ := json.Marshal(value)
		return strings.ReplaceAll(string(canonical), "-0", "0")
	}
	return read(a) == read(b)
}

func TestIntegersAreNotRounded(t *testing.T) {
	type row struct {
		ID    int64   `json:"id"`
		Score float64 `json:"score"`
	}
	const large = "9007199254740993"
	for name, refused := range map[string]func() error{
		"a float":         func() error { var v float64; return decodeValue("key", large, &v) },
		"floats":          func() error { var v []float64; return decodeValue("key", "["+large+"]", &v) },
		"floats by name":  func() error { var v map[string]float64; return decodeValue("key", `{"a":`+large+`}`, &v) },
		"a field":         func() error { var v row; return decodeValue("key", `{"id":1,"score":`+large+`}`, &v) },
		"fields in lists": func() error { var v []*row; return decodeValue("key", `[{"Score":`+large+`}]`, &v) },
		"beyond int64":    func() error { var v int64; return decodeValue("key", "9223372036854775808", &v) },
	} {
		if err := refused(); !HasCode(err, CodeNumberUnsafe) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var one row
	if err := decodeValue("key", `{"id":`+large+`,"score":9007199254740992}`, &one); err != nil || one.ID != 9007199254740993 {
		t.Errorf("%v, %v", one, err)
	}
	var whole int64
	if err := decodeValue("key", large, &whole); err != nil || whole != 9007199254740993 {
		t.Errorf("%v, %v", whole, err)
	}
}

func TestValuesThatAreNoJSON(t *testing.T) {
	for name, value := range map[string]any{
		"NaN":            math.NaN(),
		"a channel":      make(chan int),
		"half a text":    "a\xff",
		"half a pair":    json.RawMessage(`"\ud800"`),
		"text in a list": []string{"ok", "\xc3"},
		"no JSON":        json.RawMessage(`{`),
	} {
		if text, err := encodeValue("key", value); !HasCode(err, CodeValueInvalid) {
			t.Errorf("%s was written as %s, %v", name, text, err)
		}
	}
	for value, want := range map[string]string{"<&>": `"<&>"`, "a\ufffd": "\"a\ufffd\"", `\ufffd`: `"\\ufffd"`} {
		if text, err := encodeValue("key", value); err != nil || text != want {
			t.Errorf("%s was written as %s, %v", value, text, err)
		}
	}
	for _, key := range []string{"", "a\xff", strings.Repeat("k", 257), strings.Repeat("🙂", 129), "__proto__"} {
		if _, err := encodeValue(key, 1); !HasCode(err, CodeKeyInvalid) {
			t.Errorf("key %q: %v", key, err)
		}
	}
	if _, err := encodeValue(strings.Repeat("🙂", 128), 1); err != nil {
		t.Error(err)
	}
}

func TestCut(t *testing.T) {
	for _, one := range []struct {
		text  string
		bytes int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "…"}, {"abcdef", 5, "ab…"}, {"äöü", 5, "ä…"}, {"äöü", 2, ""}} {
		if got := cut(one.text, one.bytes); got != one.want {
			t.Errorf("cut(%q, %d) is %q, not %q", one.text, one.bytes, got, one.want)
		}
	}
}
