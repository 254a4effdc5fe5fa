package b2auth

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

func TestWholeUnits(t *testing.T) {
	for span, want := range map[time.Duration]string{
		0: "0", 1: "1", time.Millisecond: "1", time.Millisecond + 1: "2", time.Hour: "3600000", -1: "-1", -time.Hour: "-1",
	} {
		if got := wholeUnits(span, time.Millisecond); got != want {
			t.Errorf("%v: %s ms", span, got)
		}
	}
}

func TestUnder(t *testing.T) {
	const base = "https://api004.backblazeb2.com"
	for address, want := range map[string]bool{
		base + "/b2api/v4/b2_list_buckets":     true,
		"HTTPS://API004.BACKBLAZEB2.COM:443/x": true,
		"http://api004.backblazeb2.com/x":      false,
		"https://api004.backblazeb2.com:444/x": false,
		"https://api005.backblazeb2.com/x":     false,
		"https://api004.backblazeb2.com.evil/": false,
		"https://api004.backblazeb2.com@evil/": false,
		"/b2api/v4/b2_list_buckets":            false,
	} {
		parsed, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if under(parsed, base) != want {
			t.Error(address)
		}
	}
	if under(&url.URL{}, "") || under(nil, base) {
		t.Error("nothing is under something")
	}
}

// An account can move to another cluster, so a new session may have other URLs.
func TestRebase(t *testing.T) {
	request, _ := http.NewRequest(http.MethodGet, "https://api004.backblazeb2.com/b2api/v4/x?y=z", nil)
	rebase(request, "https://f004.backblazeb2.com", "https://f005.backblazeb2.com")
	if request.URL.Host != "api004.backblazeb2.com" {
		t.Error("not under that base:", request.URL)
	}
	rebase(request, "https://api004.backblazeb2.com", "https://api005.backblazeb2.com")
	if request.URL.String() != "https://api005.backblazeb2.com/b2api/v4/x?y=z" || request.Host != "api005.backblazeb2.com" {
		t.Error(request.URL, request.Host)
	}
}

// Collections returns how many sessions were collected that nobody had closed.
func Collections() uint64 { return atomic.LoadUint64(&collections) }
