package main

import (
	"context"
	"errors"
	"io"
	"math"
	"sort"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"
	promstorage "github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// What one target answered at one time. Scrapes come in the order of their times.
type scrape struct {
	AtMs int64 `json:"atMs"`
	// What Prometheus adds to each series: instance, pod and the like. They tell targets apart.
	Target map[string]string `json:"target"`
	// The answer; "" where the target did not answer.
	Text string `json:"text"`
}

// A queryable in memory. A time series database of Prometheus would do the same for a hundred more packages.
type storage struct {
	series map[string]*series
	// Keys of the series in each target's last scrape.
	alive map[string][]string
}

type series struct {
	labels labels.Labels
	points []chunks.Sample
}

func (s *storage) append(one scrape) error {
	target := labels.FromMap(one.Target)
	var keys []string
	seen := map[string]bool{}
	if one.Text != "" {
		parser, err := textparse.New([]byte(one.Text), "text/plain", nil, textparse.ParserOptions{})
		if err != nil {
			return err
		}
		for {
			entry, err := parser.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if entry != textparse.EntrySeries {
				continue
			}
			_, _, number := parser.Series()
			var own labels.Labels
			parser.Labels(&own)
			// As with honorLabels: true, which the ServiceMonitor says: what the target exposes counts.
			builder := labels.NewBuilder(target)
			own.Range(func(label labels.Label) { builder.Set(label.Name, label.Value) })
			key := s.add(builder.Labels(), one.AtMs, number)
			keys, seen[key] = append(keys, key), true
		}
	}
	// A series that a target no longer tells ends at once, not after the lookback.
	for _, key := range s.alive[target.String()] {
		if !seen[key] {
			gone := s.series[key]
			gone.points = append(gone.points, point{one.AtMs, math.Float64frombits(value.StaleNaN)})
		}
	}
	s.alive[target.String()] = keys
	return nil
}

func (s *storage) add(name labels.Labels, atMs int64, number float64) string {
	key := name.String()
	if s.series[key] == nil {
		s.series[key] = &series{labels: name}
	}
	s.series[key].points = append(s.series[key].points, point{atMs, number})
	return key
}

func (s *storage) Querier(mint, maxt int64) (promstorage.Querier, error) {
	return querier{storage: s, mint: mint, maxt: maxt}, nil
}

type querier struct {
	storage    *storage
	mint, maxt int64
}

func (q querier) Select(
	_ context.Context, _ bool, _ *promstorage.SelectHints, matchers ...*labels.Matcher,
) promstorage.SeriesSet {
	found := &set{next: -1}
	for _, one := range q.storage.series {
		if !matchesAll(one.labels, matchers) {
			continue
		}
		from := sort.Search(len(one.points), func(i int) bool { return one.points[i].T() >= q.mint })
		to := sort.Search(len(one.points), func(i int) bool { return one.points[i].T() > q.maxt })
		if from < to {
			found.series = append(found.series, promstorage.NewListSeries(one.labels, one.points[from:to]))
		}
	}
	sort.Slice(found.series, func(i, j int) bool {
		return labels.Compare(found.series[i].Labels(), found.series[j].Labels()) < 0
	})
	return found
}

func (querier) LabelValues(
	context.Context, string, *promstorage.LabelHints, ...*labels.Matcher,
) ([]string, annotations.Annotations, error) {
	return nil, nil, errors.ErrUnsupported
}

func (querier) LabelNames(
	context.Context, *promstorage.LabelHints, ...*labels.Matcher,
) ([]string, annotations.Annotations, error) {
	return nil, nil, errors.ErrUnsupported
}

func (querier) Close() error { return nil }

func matchesAll(name labels.Labels, matchers []*labels.Matcher) bool {
	for _, matcher := range matchers {
		if !matcher.Matches(name.Get(matcher.Name)) {
			return false
		}
	}
	return true
}

type set struct {
	series []promstorage.Series
	next   int
}

func (s *set) Next() bool {
	s.next++
	return s.next < len(s.series)
}

func (s *set) At() promstorage.Series            { return s.series[s.next] }
func (s *set) Err() error                        { return nil }
func (s *set) Warnings() annotations.Annotations { return nil }

// A plain number; the service exposes no native histograms.
type point struct {
	atMs   int64
	number float64
}

func (p point) T() int64                      { return p.atMs }
func (p point) ST() int64                     { return 0 }
func (p point) F() float64                    { return p.number }
func (p point) H() *histogram.Histogram       { return nil }
func (p point) FH() *histogram.FloatHistogram { return nil }
func (p point) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (p point) Copy() chunks.Sample           { return p }
