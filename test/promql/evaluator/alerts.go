package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
)

// An alerting rule as in a PrometheusRule.
type rule struct {
	Alert string `json:"alert"`
	Expr  string `json:"expr"`
	// As written: "5m"; "" fires at once.
	For         string            `json:"for"`
	Annotations map[string]string `json:"annotations"`
}

// An alert at an evaluation at which it fired.
type firing struct {
	AtMs   int64             `json:"atMs"`
	Alert  string            `json:"alert"`
	Labels map[string]string `json:"labels"`
	Value  string            `json:"value"`
	// Annotations with their templates expanded.
	Annotations map[string]string `json:"annotations"`
}

// What a rule manager does at each evaluation: an alert is pending from the first one at which its expression has the
// series, and fires once it has been so for the rule's time.
func (e evaluator) alerts(in input) ([]firing, error) {
	found := []firing{}
	if len(in.Scrapes) == 0 {
		return found, nil
	}
	last := in.Scrapes[len(in.Scrapes)-1].AtMs
	for _, one := range in.Rules {
		hold, err := holdOf(one)
		if err != nil {
			return nil, err
		}
		since := map[string]int64{}
		for atMs := in.Scrapes[0].AtMs; atMs <= last; atMs += in.EvaluateEveryMs {
			vector, err := e.instant(one.Expr, atMs)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", one.Alert, err)
			}
			active := map[string]int64{}
			for _, sample := range vector {
				key := sample.Metric.String()
				active[key] = atMs
				if before, known := since[key]; known {
					active[key] = before
				}
				if atMs-active[key] >= hold {
					fired, err := e.fire(one, sample, atMs)
					if err != nil {
						return nil, err
					}
					found = append(found, fired)
				}
			}
			since = active
		}
	}
	return found, nil
}

func holdOf(one rule) (int64, error) {
	if one.For == "" {
		return 0, nil
	}
	hold, err := model.ParseDuration(one.For)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", one.Alert, err)
	}
	return time.Duration(hold).Milliseconds(), nil
}

func (e evaluator) fire(one rule, sample promql.Sample, atMs int64) (firing, error) {
	fired := firing{AtMs: atMs, Alert: one.Alert, Labels: sample.Metric.Map(), Value: text(sample.F)}
	fired.Annotations = map[string]string{}
	data := template.AlertTemplateData(fired.Labels, nil, "", sample)
	// What Prometheus puts before each template, so that $labels and $value mean something.
	definitions := "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
	for name, written := range one.Annotations {
		expander := template.NewTemplateExpander(
			context.Background(), definitions+written, one.Alert, data, model.Time(atMs),
			func(_ context.Context, expr string, at time.Time) (promql.Vector, error) {
				return e.instant(expr, at.UnixMilli())
			},
			&url.URL{}, nil,
		)
		expanded, err := expander.Expand()
		if err != nil {
			return firing{}, fmt.Errorf("%s, annotation %s: %w", one.Alert, name, err)
		}
		fired.Annotations[name] = expanded
	}
	return fired, nil
}
