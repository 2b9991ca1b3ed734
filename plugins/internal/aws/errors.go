package aws

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
	awshttp "github.com/aws/smithy-go/transport/http"

	"github.com/souk-mesh/souk/sdk"
)

// Words of the services for one kind of refusal each.
var (
	wrongKeys   = []string{"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException", "IncompleteSignature", "AuthFailure", "MissingAuthenticationToken"}
	staleTokens = []string{"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired", "RequestExpired"}
	wrongClocks = []string{"RequestTimeTooSkewed", "RequestInTheFuture"}
	deniedWords = []string{"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "UnauthorizedOperation", "AccountProblem", "NotSignedUp"}
	slowWords   = []string{"SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "TooManyRequests", "BandwidthLimitExceeded", "ServiceUnavailable", "503 SlowDown"}
)

// Code is the service's own word for an error, or "".
func Code(err error) string {
	if e, is := errors.AsType[smithy.APIError](err); is {
		return e.ErrorCode()
	}
	return ""
}

// Status is the status of the answer, or 0.
func Status(err error) int {
	if r := response(err); r != nil && r.Response != nil {
		return r.StatusCode
	}
	return 0
}

// Header is a header of the answer, or "".
func Header(err error, name string) string {
	if r := response(err); r != nil && r.Response != nil {
		return r.Header.Get(name)
	}
	return ""
}

func asResponse(err error) (*awshttp.ResponseError, bool) {
	return errors.AsType[*awshttp.ResponseError](err)
}

// Explain turns an error of a service into one that says what to do. What was
// tried and the statement of a policy that would allow it are told to whoever
// is denied. The service's own words are kept for the log only.
func (a Access) Explain(err error, what, statement string) error {
	if errors.Is(err, context.Canceled) || err == nil {
		return err
	}
	if _, done := errors.AsType[*sdk.Error](err); done {
		return err
	}
	code, status := Code(err), Status(err)
	host := a.host()
	fault := &sdk.Error{Err: err, Code: "aws." + code}
	switch {
	case slices.Contains(staleTokens, code):
		fault.Class, fault.Message = sdk.ClassAuth, host+" says that the session token has expired or is not valid"
		fault.Fix = "set the secrets secretAccessKey and sessionToken anew, or give a role in roleArn, whose tokens are renewed"
	case slices.Contains(wrongKeys, code) || status == http.StatusUnauthorized:
		fault.Class, fault.Message = sdk.ClassAuth, host+" refuses the access key"
		fault.Fix = "give accessKeyId and the secret secretAccessKey of one key, and the sessionToken that belongs to it if it is temporary"
	case slices.Contains(wrongClocks, code):
		fault.Class, fault.Message = sdk.ClassUnavailable, "the clock of this machine differs from that of "+host
		fault.Fix = "set the clock of the machine that souk runs on"
	case slices.Contains(slowWords, code) || status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		fault.Class, fault.Message = sdk.ClassThrottled, host+" asks to slow down, after several tries"
		fault.Fix, fault.RetryAfter = "wait, or harvest at another time", retryAfter(err)
	case slices.Contains(deniedWords, code) || status == http.StatusForbidden:
		fault.Class, fault.Message = sdk.ClassDenied, what+" is denied"
		fault.Fix = "allow it in a policy: " + statement
	default:
		return a.unavailable(err, code, host)
	}
	return fault
}

func (a Access) unavailable(err error, code, host string) error {
	if what := flaw(err); what != "" {
		return sdk.Unavailable(host+": "+what, "look at the endpoint, whether the service runs and whether the network lets souk through", err)
	}
	if strings.Contains(err.Error(), "failed to retrieve credentials") || strings.Contains(err.Error(), "get identity: get credentials") {
		return &sdk.Error{
			Class: sdk.ClassAuth, Code: "aws.credentials", Message: "the role gives out no credentials",
			Fix: "let the role trust the key that is given here: sts:AssumeRole, with the external id if it asks for one", Err: err,
		}
	}
	message := host + " gives an answer that cannot be understood"
	if code != "" {
		message = host + " answers with the error " + code
	}
	return sdk.Unavailable(message, "look whether the endpoint is that of the service, and try again later", err)
}

func (a Access) host() string {
	if u, err := url.Parse(a.Endpoint); err == nil && u.Host != "" {
		return u.Host
	}
	return "the service"
}

// flaw says what is wrong with the connection rather than with the answer, or "".
func flaw(err error) string {
	if _, is := errors.AsType[*tls.CertificateVerificationError](err); is {
		return "its certificate does not prove who it is; give its authority in http.authorities"
	}
	if _, is := errors.AsType[*net.DNSError](err); is {
		return "its host is not found"
	}
	if isDial(err) {
		return "it cannot be reached"
	}
	return ""
}

// isDial tells whether no connection came about, which another try at once
// would not mend.
func isDial(err error) bool {
	e, is := errors.AsType[*net.OpError](err)
	return is && e.Op == "dial"
}
