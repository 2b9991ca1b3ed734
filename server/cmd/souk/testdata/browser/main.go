// Command browser drives a real browser through the page of a running demo, as
// a person would. It is a module of its own, so that whoever uses Souk's module
// does not download the driver; the test of the page runs it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// teller tells what went wrong and goes on, as a test does.
type teller struct{ failed bool }

// stopped ends the story at a step that nothing can follow.
type stopped struct{}

func (t *teller) Errorf(format string, values ...any) {
	t.failed = true
	fmt.Fprintf(os.Stderr, format+"\n", values...)
}

func (t *teller) Error(values ...any) { t.Errorf("%s", fmt.Sprint(values...)) }

func (t *teller) Fatalf(format string, values ...any) {
	t.Errorf(format, values...)
	panic(stopped{})
}

func (t *teller) Fatal(values ...any) { t.Fatalf("%s", fmt.Sprint(values...)) }

// main wants SOUK_TEST_BROWSER, the demo's address in SOUK_TEST_URL and the
// token of who signs in in SOUK_TEST_TOKEN.
func main() {
	t := &teller{}
	t.run()
	if t.failed {
		os.Exit(1)
	}
	fmt.Println("the page does what it should")
}

func (t *teller) run() {
	defer func() {
		if reason := recover(); reason != nil && reason != (stopped{}) {
			panic(reason)
		}
	}()
	ctx, end := context.WithTimeout(context.Background(), 2*time.Minute)
	defer end()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(os.Getenv("SOUK_TEST_BROWSER")), chromedp.WindowSize(1360, 820),
		chromedp.Flag("no-sandbox", os.Getuid() == 0))
	ctx, end = chromedp.NewExecAllocator(ctx, options...)
	defer end()
	ctx, end = chromedp.NewContext(ctx)
	defer end()
	t.listen(ctx)
	if err := chromedp.Run(ctx); err != nil { // the context of the first call bounds the browser's life
		t.Fatal(err)
	}
	t.story(ctx, os.Getenv("SOUK_TEST_URL"), os.Getenv("SOUK_TEST_TOKEN"))
}

// listen takes every error that the page writes to its console for a failure.
func (t *teller) listen(ctx context.Context) {
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
}

// story signs in as a person would, finds a product, runs a query that stands
// ready, reads the schema, watches a harvest and signs out.
func (t *teller) story(ctx context.Context, url, token string) {
	do := func(what string, actions ...chromedp.Action) {
		ctx, end := context.WithTimeout(ctx, 15*time.Second)
		defer end()
		if err := chromedp.Run(ctx, actions...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	text := func(selector string) (s string) {
		do("read "+selector, chromedp.Text(selector, &s, chromedp.ByQuery))
		return s
	}
	do("open the page", chromedp.Navigate(url), chromedp.WaitVisible("#token"))
	keepPictures(t, do, "sign-in")
	do("sign in with nonsense", chromedp.SendKeys("#token", "souk_nonsense"), chromedp.Submit("#token"), chromedp.WaitVisible(".problem"))
	if got := text(".problem"); got == "" {
		t.Error("a wrong token gives no reason")
	}
	keepPicture(t, do, "refused")
	do("sign in", chromedp.SendKeys("#token", token), chromedp.Submit("#token"), chromedp.WaitVisible("#waiting"))
	if got := text("h1"); !strings.Contains(got, "Cy Okafor") {
		t.Errorf("signed in as %q", got)
	}
	keepPictures(t, do, "home")
	do("search", chromedp.SendKeys("input[name=q]", "orders"), chromedp.Submit("input[name=q]"), chromedp.WaitVisible(".hits"), waitForText("main", "Every order of the shop"))
	keepPictures(t, do, "search")
	do("open a product", chromedp.Click(`//h2/a[text()="Orders"]`, chromedp.BySearch), chromedp.WaitVisible("#access"))
	keepPictures(t, do, "product")

	do("open the explorer", chromedp.Navigate(url+"/explorer/"), chromedp.WaitVisible(".pick"))
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

	run := t.startRun(ctx, url, token)
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

	do("reload", chromedp.Reload(), chromedp.WaitVisible(".pick"))
	do("sign out", chromedp.Navigate(url), chromedp.Click(".who summary"), chromedp.Click(`//button[text()="Sign out"]`, chromedp.BySearch), chromedp.WaitVisible("#token"))
	do("come back", chromedp.Navigate(url+"/explorer/"), chromedp.WaitVisible("#token"))
	var kept bool
	do("look for a secret", chromedp.Evaluate(`Object.values(sessionStorage).concat(Object.values(localStorage)).concat(document.cookie).some(v => v.includes("souk_"))`, &kept))
	if kept {
		t.Error("a script can read a secret")
	}
}

func waitForText(selector, want string) chromedp.Action {
	return chromedp.PollFunction(`(selector, want) => document.querySelector(selector).innerText.includes(want)`, nil,
		chromedp.WithPollingArgs(selector, want), chromedp.WithPollingTimeout(10*time.Second))
}

// startRun has the warehouse harvested, and gives the run's id.
func (t *teller) startRun(ctx context.Context, url, token string) string {
	var found struct {
		Data struct{ Source struct{ ID string } }
	}
	t.ask(ctx, url, token, `{ source(name: "warehouse") { id } }`, nil, &found)
	var started struct {
		Data struct {
			StartHarvest struct{ Run struct{ ID string } }
		}
	}
	t.ask(ctx, url, token, `mutation($in: StartHarvestInput!) { startHarvest(input: $in) { run { id } } }`,
		map[string]any{"in": map[string]any{"sourceId": found.Data.Source.ID}}, &started)
	return started.Data.StartHarvest.Run.ID
}

func (t *teller) ask(ctx context.Context, url, token, query string, variables map[string]any, into any) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// keepPictures takes one picture as wide as a desk and one as wide as a hand,
// and holds the page to fit into both.
func keepPictures(t *teller, do func(string, ...chromedp.Action), name string) {
	for _, width := range []int64{1280, 360} {
		var spills bool
		do("resize", chromedp.EmulateViewport(width, 800), chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &spills))
		if spills {
			t.Errorf("%s: the page is wider than its %dpx", name, width)
		}
		keepPicture(t, do, fmt.Sprintf("%s-%d", name, width))
	}
	do("go back", chromedp.EmulateViewport(1360, 820))
}

// keepPicture writes what the browser shows to the folder that SOUK_TEST_PICTURES names, for people to look at.
func keepPicture(t *teller, do func(string, ...chromedp.Action), name string) {
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
