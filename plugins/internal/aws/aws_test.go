package aws_test

import (
	"errors"
	"testing"

	"github.com/souk-mesh/souk/plugins/internal/aws"
)

func TestAServiceThatIsDownIsWaitedForOnce(t *testing.T) {
	settings, err := aws.Access{Endpoint: "https://s3.eu-central-1.amazonaws.com", AccessKeyID: "AKIA", SecretKey: "secret"}.Settings()
	if err != nil {
		t.Fatal(err)
	}
	fault := errors.New("503")
	first, other := settings.Retryer(), settings.Retryer()
	for attempt := 1; attempt < first.MaxAttempts(); attempt++ {
		if _, err := first.GetRetryToken(t.Context(), fault); err != nil {
			t.Fatalf("attempt %d: %v", attempt, err)
		}
		if _, err := first.RetryDelay(attempt, fault); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := other.GetRetryToken(t.Context(), fault); err == nil {
		t.Error("another operation is waited for as well")
	}
	if err := other.GetInitialToken()(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := other.GetRetryToken(t.Context(), fault); err != nil {
		t.Error("the service answers, and is not waited for:", err)
	}
}
