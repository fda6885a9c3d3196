// Evaluates PromQL over scrapes, with Prometheus's own engine: JSON on standard input, JSON on standard output.
package main

import (
	"context"
	"encoding/json"
	"log"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

type input struct {
	Scrapes []scrape `json:"scrapes"`
	Queries []query  `json:"queries"`
	// Alerting rules, evaluated every EvaluateEveryMs from the first scrape to the last.
	Rules           []rule `json:"rules"`
	EvaluateEveryMs int64  `json:"evaluateEveryMs"`
}

type query struct {
	Expr string `json:"expr"`
	AtMs int64  `json:"atMs"`
}

type output struct {
	Answers []answer `json:"answers"`
	Firing  []firing `json:"firing"`
}

// One query's answer: series, or an error in the engine's words.
type answer struct {
	Error  string   `json:"error,omitempty"`
	Series []sample `json:"series"`
}

type sample struct {
	Labels map[string]string `json:"labels"`
	// As Prometheus's HTTP API writes numbers, since JSON has neither NaN nor infinities.
	Value string `json:"value"`
}

func main() {
	log.SetFlags(0)
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		log.Fatal(err)
	}
	store := &storage{series: map[string]*series{}, alive: map[string][]string{}}
	for _, one := range in.Scrapes {
		if err := store.append(one); err != nil {
			log.Fatal(err)
		}
	}
	evaluator := evaluator{
		engine: promql.NewEngine(promql.EngineOpts{
			MaxSamples: 10_000_000,
			Timeout:    time.Minute,
			// Prometheus's defaults.
			LookbackDelta:        5 * time.Minute,
			EnableAtModifier:     true,
			EnableNegativeOffset: true,
			Parser:               parser.NewParser(parser.Options{}),
		}),
		store: store,
	}
	out := output{Answers: []answer{}, Firing: []firing{}}
	for _, one := range in.Queries {
		out.Answers = append(out.Answers, answerOf(evaluator.instant(one.Expr, one.AtMs)))
	}
	if len(in.Rules) > 0 {
		var err error
		if out.Firing, err = evaluator.alerts(in); err != nil {
			log.Fatal(err)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		log.Fatal(err)
	}
}

type evaluator struct {
	engine *promql.Engine
	store  *storage
}

func (e evaluator) instant(expr string, atMs int64) (promql.Vector, error) {
	ctx := context.Background()
	query, err := e.engine.NewInstantQuery(ctx, e.store, nil, expr, time.UnixMilli(atMs))
	if err != nil {
		return nil, err
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return nil, result.Err
	}
	if scalar, ok := result.Value.(promql.Scalar); ok {
		return promql.Vector{{Metric: labels.EmptyLabels(), T: scalar.T, F: scalar.V}}, nil
	}
	vector, err := result.Vector()
	if err != nil {
		return nil, err
	}
	// The engine takes its results back when the query is closed.
	return append(promql.Vector{}, vector...), nil
}

func answerOf(vector promql.Vector, err error) answer {
	if err != nil {
		return answer{Error: err.Error(), Series: []sample{}}
	}
	found := []sample{}
	for _, one := range vector {
		found = append(found, sample{Labels: one.Metric.Map(), Value: text(one.F)})
	}
	return answer{Series: found}
}

func text(value float64) string {
	if math.IsInf(value, 0) || math.IsNaN(value) {
		return strconv.FormatFloat(value, 'g', -1, 64)
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}
