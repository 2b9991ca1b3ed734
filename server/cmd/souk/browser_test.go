package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser opens a tab of a real browser, and fails the test for every error
// that the page writes to its console.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := os.Getenv("SOUK_TEST_BROWSER")
	if path == "" {
		missing(t, "SOUK_TEST_BROWSER", "set it to the path of chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(1360, 820),
		chromedp.Flag("no-sandbox", os.Getuid() == 0))
	ctx, end := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	t.Cleanup(end)
	ctx, end = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(end)
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page throws: %s", e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError {
				t.Errorf("the page complains: %s", e.Args[0].Value)
			}
		}
	})
	if err := chromedp.Run(ctx); err != nil { // the context of the first call bounds the browser's life
		t.Fatal(err)
	}
	return ctx
}

// TestConsole signs in as a person would, runs a query that stands ready,
// reads the schema, watches a harvest and signs out.
func TestConsole(t *testing.T) {
	ctx := browser(t)
	r, tokens := startDemo(t)
	do := func(what string, actions ...chromedp.Action) {
		t.Helper()
		ctx, end := context.WithTimeout(ctx, 15*time.Second)
		defer end()
		if err := chromedp.Run(ctx, actions...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	text := func(selector string) (s string) {
		t.Helper()
		do("read "+selector, chromedp.Text(selector, &s, chromedp.ByQuery))
		return s
	}
	do("open the page", chromedp.Navigate(r.url), chromedp.WaitVisible("#sign-in"))
	keepPictures(t, do, "welcome")

	do("sign in with nonsense", chromedp.SendKeys("#token", "souk_nonsense"), chromedp.Click("#sign-in button"), chromedp.WaitVisible("#sign-in-error"))
	if got := text("#sign-in-error"); got == "" {
		t.Error("a wrong token gives no reason")
	}
	keepPicture(t, do, "refused")
	do("sign in", chromedp.Evaluate(`document.querySelector("#token").value = ""`, nil), chromedp.SendKeys("#token", tokens["cy"]), chromedp.Click("#sign-in button"), chromedp.WaitVisible("#explorer"))
	if got := text("#name"); got != "Cy Okafor" {
		t.Errorf("signed in as %q", got)
	}

	do("ask what is on offer", chromedp.Click(`//button[text()="What is on offer?"]`, chromedp.BySearch), chromedp.Click("#run"), waitForText("#result", "Delivery times"))
	if got := text("#status"); !strings.HasPrefix(got, "200") {
		t.Errorf("status %q", got)
	}
	keepPicture(t, do, "explorer")
	do("read the rules of a proposal", chromedp.Click(`//button[text()="What do they say?"]`, chromedp.BySearch), chromedp.Click("#run"), waitForText("#result", "package souk.domains.sales"))
	do("look at the proposals", chromedp.Click(`//button[text()="Which proposals wait?"]`, chromedp.BySearch), chromedp.Click("#run"), waitForText("#result", "This saves us a request a week."))
	keepPicture(t, do, "proposals")
	do("ask nonsense", chromedp.SetValue("#query", "{ nothing }"), chromedp.Click("#run"), waitForText("#result", "GRAPHQL_VALIDATION_FAILED"))

	do("read the schema", chromedp.Click("#tab-schema"), waitForText("#reference", "Query"), chromedp.SendKeys("#find", "publishDataProduct"), waitForText("#reference", "Puts a data product on offer."))
	keepPicture(t, do, "schema")

	run := startRun(t, person{r: r, token: tokens["cy"]})
	do("watch a run", chromedp.SetValue("#query", "subscription { harvestRun(id: \""+run+"\") { status } }"), chromedp.Evaluate(`document.querySelector("#variables").value = ""`, nil), chromedp.Click("#run"), waitForText("#result", "SUCCEEDED"))

	keepPictures(t, do, "light")
	do("go dark", chromedp.Click("#tab-queries"), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
	var dark string
	do("read the colour", chromedp.Evaluate(`getComputedStyle(document.body).backgroundColor`, &dark))
	keepPictures(t, do, "dark")
	var light string
	do("switch the theme", chromedp.Click("#theme"), chromedp.Evaluate(`getComputedStyle(document.body).backgroundColor`, &light))
	if dark == light {
		t.Errorf("dark and light are both %s", dark)
	}

	do("reload", chromedp.Reload(), chromedp.WaitVisible("#explorer"))
	do("sign out", chromedp.Click("#sign-out"), chromedp.WaitVisible("#sign-in"))
	var kept bool
	do("look for the token", chromedp.Evaluate(`Object.values(sessionStorage).concat(Object.values(localStorage)).some(v => v.includes("souk_"))`, &kept))
	if kept {
		t.Error("the token outlives the sign-out")
	}
}

func waitForText(selector, want string) chromedp.Action {
	return chromedp.PollFunction(`(selector, want) => document.querySelector(selector).innerText.includes(want)`, nil,
		chromedp.WithPollingArgs(selector, want), chromedp.WithPollingTimeout(10*time.Second))
}

func startRun(t *testing.T, p person) string {
	t.Helper()
	var found struct{ Source struct{ ID string } }
	p.ask(`{ source(name: "warehouse") { id } }`, nil, &found)
	var started struct{ Run struct{ ID string } }
	p.do("startHarvest", "StartHarvestInput", map[string]any{"sourceId": found.Source.ID}, "run { id }", &started)
	return started.Run.ID
}

// keepPictures takes one picture as wide as a desk and one as wide as a hand,
// and holds the page to fit into both.
func keepPictures(t *testing.T, do func(string, ...chromedp.Action), name string) {
	t.Helper()
	for _, width := range []int64{1280, 360} {
		var spills bool
		do("resize", chromedp.EmulateViewport(width, 800), chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &spills))
		if spills {
			t.Errorf("%s: the page is wider than %d pixels", name, width)
		}
		keepPicture(t, do, fmt.Sprintf("%s-%d", name, width))
	}
	do("go back", chromedp.EmulateViewport(1360, 820))
}

// keepPicture writes what the browser shows to the folder that SOUK_TEST_PICTURES names, for people to look at.
func keepPicture(t *testing.T, do func(string, ...chromedp.Action), name string) {
	t.Helper()
	dir := os.Getenv("SOUK_TEST_PICTURES")
	if dir == "" {
		return
	}
	var png []byte
	do("take a picture", chromedp.CaptureScreenshot(&png))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}
