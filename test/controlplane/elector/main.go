// Command elector stands for election on a Lease with client-go, so that tests can set the coordinator's own elector
// against the original. It writes one JSON line per event on standard output and ends when it loses the Lease, or,
// on SIGTERM or SIGINT, after releasing it if so told.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

type event struct {
	// "started", "stopped" or "new-leader".
	Event string `json:"event"`
	// The leader seen with "new-leader", otherwise this process.
	Identity string `json:"identity"`
	TimeMs   int64  `json:"timeMs"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	kubeconfig := flag.String("kubeconfig", "", "path of the kubeconfig")
	namespace := flag.String("namespace", "", "namespace of the Lease")
	name := flag.String("name", "", "name of the Lease")
	identity := flag.String("identity", "", "holderIdentity of this candidate")
	leaseDuration := flag.Duration("lease-duration", 15*time.Second, "")
	renewDeadline := flag.Duration("renew-deadline", 10*time.Second, "")
	retryPeriod := flag.Duration("retry-period", 2*time.Second, "")
	releaseOnCancel := flag.Bool("release-on-cancel", false, "release the Lease when told to end")
	flag.Parse()

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	lines := json.NewEncoder(os.Stdout)
	report := func(what, who string) {
		if err := lines.Encode(event{what, who, time.Now().UnixMilli()}); err != nil {
			os.Exit(1)
		}
	}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: *namespace, Name: *name},
			Client:     client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: *identity},
		},
		LeaseDuration:   *leaseDuration,
		RenewDeadline:   *renewDeadline,
		RetryPeriod:     *retryPeriod,
		ReleaseOnCancel: *releaseOnCancel,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { report("started", *identity) },
			OnStoppedLeading: func() { report("stopped", *identity) },
			OnNewLeader:      func(who string) { report("new-leader", who) },
		},
	})
	if err != nil {
		return fmt.Errorf("set up the election: %w", err)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	elector.Run(ctx)
	return nil
}
