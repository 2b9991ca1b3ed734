// Package aws is how the plugins for services of AWS sign in, and what they make
// of its errors. It owns the credentials of a configuration. It refuses to look
// for others: not in the environment, in files or, unless an administrator says
// so, in the metadata of the machine.
package aws

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	awshttp "github.com/aws/smithy-go/transport/http"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// Access is embedded in the configuration of a plugin.
type Access struct {
	Endpoint     string     `json:"endpoint" doc:"Address of the service, such as https://s3.eu-central-1.amazonaws.com or https://glue.eu-central-1.amazonaws.com, or that of another that speaks the same protocol. The credentials go there and nowhere else." format:"url"`
	Region       string     `json:"region,omitempty" doc:"Region that requests are signed for; that of the endpoint when empty."`
	AccessKeyID  string     `json:"accessKeyId,omitempty" doc:"The access key id, such as AKIA..., of a user that may only read."`
	SecretKey    string     `json:"secretAccessKey,omitempty" doc:"The secret access key." format:"secret"`
	SessionToken string     `json:"sessionToken,omitempty" doc:"The session token, where the access key is a temporary one." format:"secret"`
	Identity     string     `json:"identity" doc:"Who asks: keys (those given here), anonymous (nobody, for public data), or instance (the role of the machine that souk runs on, from its metadata). Only an administrator may choose another than keys." enum:"keys,anonymous,instance" default:"keys" admin:"true"`
	RoleARN      string     `json:"roleArn,omitempty" doc:"A role to assume with the credentials, such as arn:aws:iam::123456789012:role/souk."`
	ExternalID   string     `json:"externalId,omitempty" doc:"The external id that the role asks for."`
	STSEndpoint  string     `json:"stsEndpoint,omitempty" doc:"Address of the service that gives out the role, such as https://sts.eu-central-1.amazonaws.com; needed with roleArn." format:"url"`
	HTTP         web.Config `json:"http,omitzero"`
}

// Judge says what is wrong with the configuration.
func (a Access) Judge() error {
	if a.Endpoint == "" {
		return sdk.Config("endpoint", "is missing", "write the address of the service, such as https://s3.eu-central-1.amazonaws.com")
	}
	addresses := []web.Address{{Field: "endpoint", Text: a.Endpoint}}
	if a.STSEndpoint != "" {
		addresses = append(addresses, web.Address{Field: "stsEndpoint", Text: a.STSEndpoint})
	}
	if err := a.HTTP.JudgeAll(addresses...); err != nil {
		return err
	}
	switch {
	case a.identity() == "keys" && a.AccessKeyID == "":
		return sdk.Config("accessKeyId", "is missing", "give an access key of a user that may only read; none is taken from the machine")
	case a.identity() == "anonymous" && (a.AccessKeyID != "" || a.RoleARN != ""):
		return sdk.Config("identity", "is anonymous, and there is a key or a role", "take out one of the two")
	case a.RoleARN != "" && a.STSEndpoint == "":
		return sdk.Config("stsEndpoint", "is missing", "write the address of the service that gives out the role, such as https://sts.eu-central-1.amazonaws.com")
	case !IsRegion(a.SigningRegion()):
		return sdk.Config("region", "is no region", "write one such as eu-central-1")
	}
	return nil
}

func (a Access) identity() string { return cmp.Or(a.Identity, "keys") }

// IsRegion tells whether the name can be that of a region.
func IsRegion(name string) bool {
	return regexp.MustCompile(`^[a-z0-9-]{2,40}$`).MatchString(name)
}

// SigningRegion is the region that requests are signed for.
func (a Access) SigningRegion() string {
	if a.Region != "" {
		return a.Region
	}
	_, region := ServiceHost(a.Endpoint)
	return cmp.Or(region, "us-east-1")
}

// ServiceHost takes the service and the region out of an address of AWS itself;
// both are empty for any other.
func ServiceHost(endpoint string) (service, region string) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", ""
	}
	host, ours := strings.CutSuffix(strings.TrimSuffix(u.Hostname(), ".cn"), ".amazonaws.com")
	if !ours {
		return "", ""
	}
	service, region, _ = strings.Cut(host, ".")
	return service, region
}

// Settings are what a client of any service is made of.
func (a Access) Settings() (aws.Config, error) {
	if err := a.Judge(); err != nil {
		return aws.Config{}, err
	}
	client, err := a.client()
	if err != nil {
		return aws.Config{}, err
	}
	patience := newPatient() // of all operations, so that one learns from another
	c := aws.Config{
		Region: a.SigningRegion(), BaseEndpoint: &a.Endpoint, HTTPClient: client, Retryer: func() aws.Retryer { return patience },
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	switch a.identity() {
	case "anonymous":
		c.Credentials = aws.AnonymousCredentials{}
	case "instance":
		c.Credentials = aws.NewCredentialsCache(ec2rolecreds.New())
	default:
		if a.SecretKey == "" {
			return aws.Config{}, sdk.Config("secretAccessKey", "is missing", "give the secret secretAccessKey")
		}
		c.Credentials = credentials.NewStaticCredentialsProvider(a.AccessKeyID, a.SecretKey, a.SessionToken)
	}
	if a.RoleARN != "" {
		c.Credentials = a.assume(c)
	}
	return c, nil
}

// client follows no redirect: credentials and answers stay with the endpoint.
func (a Access) client() (*http.Client, error) {
	transport, err := web.Transport(a.HTTP)
	if err != nil {
		return nil, err
	}
	transport.ResponseHeaderTimeout, transport.MaxIdleConnsPerHost = time.Minute, 16
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

func (a Access) assume(c aws.Config) aws.CredentialsProvider {
	c = c.Copy()
	c.BaseEndpoint = &a.STSEndpoint
	if _, region := ServiceHost(a.STSEndpoint); region != "" {
		c.Region = region
	}
	return aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(c), a.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "souk"
		if a.ExternalID != "" {
			o.ExternalID = &a.ExternalID
		}
	}))
}

// patient waits as long as a service asks for, and longer each time where it
// says nothing. A connection that does not come about is not tried again.
type patient struct {
	*retry.Standard
	down *atomic.Bool // an operation goes to its last attempt, and none went well since
}

const (
	mostAttempts = 7
	longestWait  = 20 * time.Second // where the service wants to be left alone
	longestFault = 2 * time.Second  // where it fails: some ten seconds for all attempts
)

func newPatient() patient {
	down := &atomic.Bool{}
	return patient{down: down, Standard: retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = mostAttempts, longestWait
		o.RateLimiter = unlessDown{down}
		o.Retryables = append(o.Retryables, retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}}})
	})}
}

// IsErrorRetryable tells whether another try may end better.
func (p patient) IsErrorRetryable(err error) bool {
	return !isDial(err) && p.Standard.IsErrorRetryable(err)
}

// RetryDelay is the service's own word, or a time that grows.
func (p patient) RetryDelay(attempt int, err error) (time.Duration, error) {
	if attempt >= mostAttempts-1 {
		p.down.Store(true)
	}
	if asked := retryAfter(err); asked > 0 {
		return min(asked, time.Minute), nil
	}
	wait, failed := p.Standard.RetryDelay(attempt, err)
	if !retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool() {
		wait = min(wait, longestFault)
	}
	return wait, failed
}

// unlessDown allows no retry while the service is down: once one operation has
// been waited for in vain, the others are tried once each until one goes well.
// The standard limiter stops all retries of a client after some hundred.
type unlessDown struct{ down *atomic.Bool }

var errDown = errors.New("the service did not answer another request either")

// GetToken is asked before a retry; what it gives is called when that went well.
func (u unlessDown) GetToken(context.Context, uint) (func() error, error) {
	if u.down.Load() {
		return nil, errDown
	}
	return func() error { return u.AddTokens(0) }, nil
}

// AddTokens is called when an attempt went well.
func (u unlessDown) AddTokens(uint) error {
	u.down.Store(false)
	return nil
}

func retryAfter(err error) time.Duration {
	r := response(err)
	if r == nil {
		return 0
	}
	seconds, parseErr := time.ParseDuration(r.Header.Get("Retry-After") + "s")
	if parseErr != nil || seconds < 0 {
		return 0
	}
	return seconds
}

func response(err error) *awshttp.Response {
	e, is := asResponse(err)
	if !is {
		return nil
	}
	return e.Response
}
