// oracle prints a Go execution trace, as golang.org/x/exp/trace sees it, as a
// canonical line-based text for differential tests: `gotracer events` must
// print the same bytes.
//
//	oracle [-count | -inline | -pc | -nostack | -rel] [FILE]
//
// With -count it only reads all events and prints "events N": the baseline for
// measurements of speed.
//
// One event is one line; fields are separated by one TAB:
//
//	TIME  mM  pP  gG  KIND  fields...  s=STACK
//
// M, P, G are the execution context before the event; -1 stands for none.
// Fields by KIND:
//
//	Sync             n=N  [clock=TRACE,MONO,WALLUNIXNANO]  [exp=NAME:mTHREAD:LEN:FNV64 ...]
//	Metric           NAME  VALUE
//	Label            "LABEL"  RESOURCE
//	StackSample      -
//	RangeBegin|RangeActive|RangeEnd  "NAME"  SCOPE  [ATTR=VALUE ...]
//	TaskBegin|TaskEnd                id=ID  parent=ID  "TYPE"   (NoTask is -1)
//	RegionBegin|RegionEnd            task=ID  "TYPE"
//	Log              task=ID  "CATEGORY"  "MESSAGE"
//	StateTransition  RESOURCE  OLD>NEW  "REASON"  t=STACK   (t: stack of the resource)
//	Experimental     EXPERIMENT/NAME  arg=value ...
//
// RESOURCE is g12, p3, m7 or none. Strings are Go %q quoted (strconv.Quote).
// STACK is "-" for no stack, else an ID handed out on first sight; just before
// the first line which uses it comes a definition line
//
//	S  ID  FUNC FILE:LINE  FUNC FILE:LINE ...
//
// (frames also TAB separated; func and file are quoted only when they hold a
// blank or a control character). With -inline, stacks are printed in place as
// FUNC FILE:LINE joined by '|'; with -pc each frame gets @0xPC; with -nostack
// stacks are left out. -rel prints times relative to the first event. A reader
// error (its first line) or a panic of x/exp becomes a last line "ERR TEXT".
package main

import (
	"bufio"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/exp/trace"
)

var (
	inline  = flag.Bool("inline", false, "print stacks in place")
	pcs     = flag.Bool("pc", false, "print PCs")
	nostack = flag.Bool("nostack", false, "no stacks")
	count   = flag.Bool("count", false, "only read all events, print their number")
	rel     = flag.Bool("rel", false, "times relative to the first event")
	sorting = flag.Bool("sort", false, "sort lines of keys instead of reading a trace")
)

type dumper struct {
	w     *bufio.Writer
	buf   []byte
	ids   map[string]int         // rendered stack -> ID
	cache map[trace.Stack]string // handle -> field text
	tmp   []byte
	def   []byte
	base  trace.Time
	have  bool
}

func plain(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == '"' || c == '|' || c >= 0x7f {
			return strconv.AppendQuote(b, s)
		}
	}
	return append(b, s...)
}

func (d *dumper) stack(s trace.Stack) string {
	if *nostack || s == trace.NoStack {
		return "-"
	}
	if t, ok := d.cache[s]; ok {
		return t
	}
	d.tmp = d.tmp[:0]
	sep := byte('\t')
	if *inline {
		sep = '|'
	}
	n := 0
	for f := range s.Frames() {
		if n > 0 {
			d.tmp = append(d.tmp, sep)
		}
		n++
		d.tmp = plain(d.tmp, f.Func)
		d.tmp = append(d.tmp, ' ')
		d.tmp = plain(d.tmp, f.File)
		d.tmp = append(d.tmp, ':')
		d.tmp = strconv.AppendUint(d.tmp, f.Line, 10)
		if *pcs {
			d.tmp = append(d.tmp, "@0x"...)
			d.tmp = strconv.AppendUint(d.tmp, f.PC, 16)
		}
	}
	var t string
	switch {
	case n == 0:
		t = "-"
	case *inline:
		t = string(d.tmp)
	default:
		id, ok := d.ids[string(d.tmp)]
		if !ok {
			id = len(d.ids) + 1
			d.ids[string(d.tmp)] = id
			d.def = append(d.def, "S\t"...)
			d.def = strconv.AppendInt(d.def, int64(id), 10)
			d.def = append(d.def, '\t')
			d.def = append(d.def, d.tmp...)
			d.def = append(d.def, '\n')
		}
		t = strconv.Itoa(id)
	}
	if len(d.cache) > 1<<16 {
		clear(d.cache)
	}
	d.cache[s] = t
	return t
}

func resource(b []byte, r trace.ResourceID) []byte {
	switch r.Kind {
	case trace.ResourceGoroutine:
		return strconv.AppendInt(append(b, 'g'), int64(r.Goroutine()), 10)
	case trace.ResourceProc:
		return strconv.AppendInt(append(b, 'p'), int64(r.Proc()), 10)
	case trace.ResourceThread:
		return strconv.AppendInt(append(b, 'm'), int64(r.Thread()), 10)
	}
	return append(b, "none"...)
}

func value(b []byte, v trace.Value) []byte {
	if v.Kind() == trace.ValueUint64 {
		return strconv.AppendUint(b, v.Uint64(), 10)
	}
	return strconv.AppendQuote(b, v.String())
}

func (d *dumper) event(e trace.Event) {
	t := e.Time()
	if *rel {
		if !d.have {
			d.have, d.base = true, t
		}
		t -= d.base
	}
	b := strconv.AppendInt(d.buf[:0], int64(t), 10)
	b = append(b, "\tm"...)
	b = strconv.AppendInt(b, int64(e.Thread()), 10)
	b = append(b, "\tp"...)
	b = strconv.AppendInt(b, int64(e.Proc()), 10)
	b = append(b, "\tg"...)
	b = strconv.AppendInt(b, int64(e.Goroutine()), 10)
	b = append(b, '\t')
	b = append(b, e.Kind().String()...)
	b = append(b, '\t')
	switch k := e.Kind(); k {
	case trace.EventSync:
		s := e.Sync()
		b = fmt.Appendf(b, "n=%d", s.N)
		if c := s.ClockSnapshot; c != nil {
			b = fmt.Appendf(b, "\tclock=%d,%d,%d", c.Trace, c.Mono, c.Wall.UnixNano())
		}
		var names []string
		for n := range s.ExperimentalBatches {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			for _, x := range s.ExperimentalBatches[n] {
				h := fnv.New64a()
				h.Write(x.Data)
				b = fmt.Appendf(b, "\texp=%s:m%d:%d:%016x", n, x.Thread, len(x.Data), h.Sum64())
			}
		}
	case trace.EventMetric:
		m := e.Metric()
		b = append(b, m.Name...)
		b = append(b, '\t')
		b = value(b, m.Value)
	case trace.EventLabel:
		l := e.Label()
		b = strconv.AppendQuote(b, l.Label)
		b = append(b, '\t')
		b = resource(b, l.Resource)
	case trace.EventRangeBegin, trace.EventRangeActive, trace.EventRangeEnd:
		r := e.Range()
		b = strconv.AppendQuote(b, r.Name)
		b = append(b, '\t')
		b = resource(b, r.Scope)
		if k == trace.EventRangeEnd {
			for _, a := range e.RangeAttributes() {
				b = append(b, '\t')
				b = plain(b, a.Name)
				b = append(b, '=')
				b = value(b, a.Value)
			}
		}
	case trace.EventTaskBegin, trace.EventTaskEnd:
		x := e.Task()
		b = fmt.Appendf(b, "id=%d\tparent=%d\t", int64(x.ID), int64(x.Parent))
		b = strconv.AppendQuote(b, x.Type)
	case trace.EventRegionBegin, trace.EventRegionEnd:
		x := e.Region()
		b = fmt.Appendf(b, "task=%d\t", int64(x.Task))
		b = strconv.AppendQuote(b, x.Type)
	case trace.EventLog:
		x := e.Log()
		b = fmt.Appendf(b, "task=%d\t", int64(x.Task))
		b = strconv.AppendQuote(b, x.Category)
		b = append(b, '\t')
		b = strconv.AppendQuote(b, x.Message)
	case trace.EventStateTransition:
		s := e.StateTransition()
		b = resource(b, s.Resource)
		b = append(b, '\t')
		if s.Resource.Kind == trace.ResourceGoroutine {
			o, n := s.Goroutine()
			b = append(append(append(b, o.String()...), '>'), n.String()...)
		} else {
			o, n := s.Proc()
			b = append(append(append(b, o.String()...), '>'), n.String()...)
		}
		b = append(b, '\t')
		b = strconv.AppendQuote(b, s.Reason)
		b = append(b, "\tt="...)
		b = append(b, d.stack(s.Stack)...)
	case trace.EventExperimental:
		x := e.Experimental()
		b = append(append(append(b, x.Experiment...), '/'), x.Name...)
		for i, a := range x.Args {
			b = append(append(append(b, '\t'), a...), '=')
			b = value(b, x.ArgValue(i))
		}
	default:
		b = append(b, '-')
	}
	b = append(b, "\ts="...)
	b = append(b, d.stack(e.Stack())...)
	b = append(b, '\n')
	d.buf = b
	if len(d.def) > 0 {
		d.w.Write(d.def)
		d.def = d.def[:0]
	}
	d.w.Write(b)
}

// fail prints the first line of an error; the rest (a dump of the reader's
// maps) changes from run to run.
func (d *dumper) fail(s string) {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	fmt.Fprintf(d.w, "ERR\t%q\n", s)
}

// countEvents does nothing but ReadEvent, so that its time is the reader's.
func countEvents(in io.Reader) int {
	n := 0
	r, err := trace.NewReader(bufio.NewReaderSize(in, 1<<20))
	for err == nil {
		if _, err = r.ReadEvent(); err == nil {
			n++
		}
	}
	fmt.Printf("events %d\n", n)
	if err != io.EOF {
		text, _, _ := strings.Cut(err.Error(), "\n")
		fmt.Fprintln(os.Stderr, "oracle:", text)
		return 2
	}
	return 0
}

func main() {
	flag.Parse()
	if *sorting {
		if err := sortLines(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		return
	}
	in := io.Reader(os.Stdin)
	if flag.NArg() > 0 && flag.Arg(0) != "-" {
		f, err := os.Open(flag.Arg(0))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		in = f
	}
	if *count {
		os.Exit(countEvents(in))
	}
	d := &dumper{w: bufio.NewWriterSize(os.Stdout, 1<<20), ids: map[string]int{}, cache: map[trace.Stack]string{}}
	defer d.w.Flush()
	defer func() { // x/exp can panic on damaged v1 traces
		if r := recover(); r != nil {
			d.fail(fmt.Sprint("panic: ", r))
		}
	}()
	r, err := trace.NewReader(bufio.NewReaderSize(in, 1<<20))
	for err == nil {
		var e trace.Event
		if e, err = r.ReadEvent(); err == nil {
			d.event(e)
		}
	}
	if err != io.EOF {
		d.fail(err.Error())
	}
}
