package main

// line is one thing that users wait for, and what is told of it.
type line struct {
	What           string
	Package, Bench string // as `go test` names them, without "Benchmark"
	Times, Brief   string // -benchtime for the page and for the gate
	Scale          string // what else the page's run is told, such as the size of the store
	Floor          string // a benchmark of the same package that does the least that has to be done
	Figures        []figure
}

// figure is one number that a benchmark reports.
type figure struct {
	Unit    string  // as the benchmark names it
	Says    string  // as the page names it
	Goal    float64 // what was asked for: at most, or at least where AtLeast says so; 0 for nothing
	AtLeast bool
	Gate    float64 // what the gate lets through at most, with room for noise; 0 where it does not look
	Floors  bool    // how many times the same figure of the line's floor
}

// judged says whether the gate looks at the line.
func (l line) judged() bool {
	for _, f := range l.Figures {
		if f.Gate > 0 {
			return true
		}
	}
	return false
}

// benches are the benchmarks that the line needs.
func (l line) benches() []string {
	if l.Floor == "" {
		return []string{l.Bench}
	}
	return []string{l.Bench, l.Floor}
}

// command is how a reader measures the line alone.
func (l line) command() string {
	command := "`" + l.Package + " -bench '" + l.Bench + "$' -benchtime " + l.Times
	if l.Scale != "" {
		command += " " + l.Scale
	}
	return command + "`"
}

// value is the figure as it was measured.
func (f figure) value(l line, found results) (float64, bool) {
	value, measured := found.of(l.Package, l.Bench, f.Unit)
	if !f.Floors || !measured {
		return value, measured
	}
	least, measured := found.of(l.Package, l.Floor, f.Unit)
	if !measured || least == 0 {
		return 0, false
	}
	return value / least, true
}

// goal is what was asked for, in words.
func (f figure) goal() string {
	switch {
	case f.Goal == 0:
		return ""
	case f.AtLeast:
		return "at least " + short(f.Goal)
	}
	return "at most " + short(f.Goal)
}
