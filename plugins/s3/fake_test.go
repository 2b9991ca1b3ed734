package s3_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// newFake speaks as much of S3 as an emulator does not: refusals, and answers
// that are cut or come from something else. It is written from
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html and
// ErrorResponses.html, read in November 2026. The bucket says what it does.
func newFake(t *testing.T) *httptest.Server {
	t.Helper()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		n := asked.Add(1)
		if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIASOUK/") {
			refuse(w, http.StatusForbidden, "AccessDenied")
			return
		}
		if key != "" {
			object(w, r, bucket)
			return
		}
		if r.URL.Query().Get("list-type") != "2" || r.URL.Query().Get("encoding-type") != "url" {
			refuse(w, http.StatusNotImplemented, "NotImplemented")
			return
		}
		second := r.URL.Query().Get("continuation-token") != ""
		list(w, bucket, second, n)
	}))
	t.Cleanup(server.Close)
	return server
}

func list(w http.ResponseWriter, bucket string, second bool, n int64) {
	page := func(truncated bool, token string, keys ...string) {
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>%s</Name><EncodingType>url</EncodingType><KeyCount>%d</KeyCount><IsTruncated>%v</IsTruncated>`, bucket, len(keys), truncated)
		if token != "" {
			fmt.Fprintf(w, `<NextContinuationToken>%s</NextContinuationToken>`, token)
		}
		for _, key := range keys {
			fmt.Fprintf(w, `<Contents><Key>%s</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified><Size>17</Size><StorageClass>STANDARD</StorageClass></Contents>`, key)
		}
		fmt.Fprint(w, `</ListBucketResult>`)
	}
	switch bucket {
	case "wrong":
		refuse(w, http.StatusForbidden, "SignatureDoesNotMatch")
	case "expired":
		refuse(w, http.StatusBadRequest, "ExpiredToken")
	case "denied":
		refuse(w, http.StatusForbidden, "AccessDenied")
	case "cut-token":
		page(true, "", "a/x.csv")
	case "cut-count":
		fmt.Fprintf(w, `<ListBucketResult><Name>%s</Name><KeyCount>3</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>`, bucket)
	case "html":
		fmt.Fprint(w, "<html><body>Sign in to the network</body></html>")
	case "half":
		fmt.Fprintf(w, `<ListBucketResult><Name>%s</Name><Contents><Key>a.csv</K`, bucket)
	case "elsewhere":
		w.Header().Set("Location", "http://127.0.0.2:1/")
		w.WriteHeader(http.StatusTemporaryRedirect)
	case "odd":
		page(false, "", "%2Fslash/x.csv", "double%2F%2Fx.csv", "odd/%01.csv", "odd/line%0Abreak.csv", "odd/plus%2B+space.csv", "odd/%FE.csv", "odd/%FF.csv")
	case "kms":
		page(false, "", "a/kms.csv")
	case "slow", "slow-said", "late-expired", "late-denied":
		lately(w, bucket, second, n, page)
	default:
		page(false, "", "a/x.csv")
	}
}

// lately answers the first page, and then not at once or not at all.
func lately(w http.ResponseWriter, bucket string, second bool, n int64, page func(bool, string, ...string)) {
	switch {
	case !second:
		page(true, "next", "a/x.csv")
	case bucket == "late-expired":
		refuse(w, http.StatusBadRequest, "ExpiredToken")
	case bucket == "late-denied":
		refuse(w, http.StatusForbidden, "AccessDenied")
	case n%3 != 0 && bucket == "slow":
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
	case n%3 != 0:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, "TooManyRequests")
	default:
		page(false, "", "b/x.csv")
	}
}

func object(w http.ResponseWriter, r *http.Request, bucket string) {
	if bucket == "kms" {
		refuse(w, http.StatusForbidden, "KMS.DisabledException")
		return
	}
	const content = "id,name\n1,a name\n"
	if r.Header.Get("Range") == "" {
		refuse(w, http.StatusNotImplemented, "NotImplemented")
		return
	}
	w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(content)-1, len(content)))
	w.WriteHeader(http.StatusPartialContent)
	fmt.Fprint(w, content)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>canary-of-the-server</Message><RequestId>1</RequestId></Error>`, code)
}
