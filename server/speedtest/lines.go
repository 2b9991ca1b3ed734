package main

const (
	cpu    = "cpu-ms/op"
	ms     = "ms of processor time"
	allocs = "allocs/op"
)

// large is the store that the page is measured on: a harvest of 100,000 assets and
// a company of 1,000 people that shares it.
const large = "-args -bench.assets 100000"

// request is a line of the server's own door.
func request(what, bench string, goal, gate float64) line {
	return line{
		What: what, Package: "./server", Bench: "Requests/" + bench, Times: "100x", Brief: "20x", Scale: large,
		Figures: []figure{{Unit: cpu, Says: ms, Goal: goal}, {Unit: allocs, Says: "allocations", Gate: gate}},
	}
}

// everything is all that is measured, in the order of the page.
var everything = []line{
	request("who am I", "viewer/somebody", 0.2, 400),
	request("one product by its id", "node/somebody", 0.4, 700),
	request("may I read this, with the reasons", "checkAccess/somebody", 1.2, 1400),
	{
		What: "the answer of 100 assets with 11 columns written, without reading them", Package: "./graph", Bench: "Page/planned", Floor: "Page/encoding",
		Times: "2000x", Brief: "500x",
		Figures: []figure{{Unit: "sec/op", Says: "times encoding/json", Goal: 1.2, Gate: 2.5, Floors: true}, {Unit: allocs, Says: "allocations", Gate: 100}},
	},
	{
		What: "100 assets with 11 columns each, an administrator", Package: "./server", Bench: "RequestsOfPages/root", Floor: "RequestsOfPages/floor",
		Times: "100x", Brief: "20x", Scale: large,
		Figures: []figure{{Unit: cpu, Says: ms}, {Unit: "x-floor", Says: "times net/http with encoding/json", Goal: 6}, {Unit: allocs, Says: "allocations", Gate: 7000}},
	},
	request("100 assets by id, an administrator", "ids100/root", 0, 7000),
	request("100 assets by id, a person", "ids100/somebody", 0, 7000),
	request("200 products with all six rights, a person with 10 grants", "rights200/somebody", 30, 50000),
	{
		What: "the same, a person with 510 grants", Package: "./server", Bench: "Requests/rights200/holder", Floor: "Requests/rights200/somebody",
		Times: "100x", Brief: "20x", Scale: large,
		Figures: []figure{{Unit: cpu, Says: ms, Goal: 30}, {Unit: cpu, Says: "times that with 10 grants", Goal: 1.2, Gate: 3, Floors: true}},
	},
	{
		What: "an AuthZEN evaluation, beside `opa run --server` on the same rules", Package: "./server/doors/authzen", Bench: "Evaluation", Times: "1500x", Brief: "300x",
		Figures: []figure{
			{Unit: "souk-p50-us", Says: "us for half of them"},
			{Unit: "souk/opa-p50", Says: "times opa's", Goal: 0.5, Gate: 1},
		},
	},
	{
		What: "a hundred evaluations about a hundred products in one request", Package: "./server/doors/authzen", Bench: "Evaluations", Times: "300x", Brief: "60x",
		Figures: []figure{{Unit: "apart/one-p50", Says: "times a single one", Goal: 20, Gate: 20}},
	},
	{
		What: "one decision in process, beside OPA as a library", Package: "./server/policy", Bench: "Decide", Floor: "BareOPA/built", Times: "20000x", Brief: "5000x",
		Figures: []figure{
			{Unit: "sec/op", Says: "times OPA's time", Floors: true, Goal: 0.5, Gate: 2},
			{Unit: allocs, Says: "allocations", Gate: 320},
		},
	},
	{
		What: "search among 100,000 assets: a word that many of them have", Package: "./server/catalog/index", Bench: "Find/customers", Times: "200x", Brief: "50x",
		Figures: []figure{{Unit: cpu, Says: ms, Goal: 30, Gate: 60}, {Unit: allocs, Says: "allocations", Gate: 60}},
	},
	{
		What: "search that finds nothing", Package: "./server/catalog/index", Bench: "Find/nothing_like_it", Times: "200x", Brief: "50x",
		Figures: []figure{{Unit: cpu, Says: ms, Goal: 0.5, Gate: 0.5}},
	},
	{
		What: "the search index of 100,000 assets with 1,100,000 columns", Package: "./server/catalog/index", Bench: "Memory", Times: "1x", Brief: "1x",
		Figures: []figure{{Unit: "heap-MB", Says: "MB", Goal: 110, Gate: 110}},
	},
	{
		What: "a plugin from its start to its first record", Package: "./sdk/host", Bench: "FirstRecord", Times: "50x", Brief: "20x",
		Figures: []figure{{Unit: "ms/p50", Says: "ms for half of them", Goal: 80}},
	},
	{
		What: "2,000 tables harvested again, unchanged", Package: "./server/harvest", Bench: "Unchanged", Times: "3x", Brief: "1x",
		Figures: []figure{{Unit: "again/new-cpu", Says: "of the processor time of the first run", Goal: 0.2, Gate: 0.6}},
	},
	{
		What: "10,000 new tables of a SQLite file, from the plugin's start until all is stored", Package: "./server/cmd/souk", Bench: "HarvestFile", Times: "10000x",
		Figures: []figure{
			{Unit: "datasets/s", Says: "tables a second", Goal: 5000, AtLeast: true},
			{Unit: "times-floor", Says: "times what the bare store takes to write them"},
			{Unit: "MB/new", Says: "MB more at the server's peak", Goal: 64},
		},
	},
	{
		What: "10,000 new tables of a PostgreSQL server", Package: "./server/cmd/souk", Bench: "HarvestPostgres", Times: "10000x",
		Figures: []figure{
			{Unit: "s/new", Says: "s", Goal: 20},
			{Unit: "s/again", Says: "s for the same again", Goal: 8},
			{Unit: "MB/new", Says: "MB more at the server's peak", Goal: 64},
		},
	},
}
