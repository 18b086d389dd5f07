package artifact

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"google.golang.org/api/googleapi"
)

const (
	fixKeys   = "correct the credentials, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they may do"
	fixRegion = "correct the region: region= in the URL, or AWS_REGION"
	fixServer = "correct the server: endpoint= in the URL, or AWS_ENDPOINT_URL_S3"
	fixAny    = "check the bucket's name, region and credentials"
)

// s3Codes are errors of S3 that every try meets again, with what to do; "" for those of status 4xx that pass.
var s3Codes = map[string]string{
	"NoSuchBucket": "make the bucket, or correct its name", "InvalidBucketName": "correct the bucket's name",
	"InvalidAccessKeyId": fixKeys, "SignatureDoesNotMatch": fixKeys, "InvalidToken": fixKeys, "ExpiredToken": fixKeys,
	"AuthorizationHeaderMalformed": fixRegion, "PermanentRedirect": fixRegion,
	"IllegalLocationConstraintException": fixRegion,
	"RequestTimeTooSkewed":               "set this machine's clock",
	"RequestTimeout":                     "", "OperationAborted": "", "SlowDown": "", "Throttling": "",
	"ThrottlingException": "", "TooManyRequests": "",
}

// permanent says what to do about an error of an object store that another try would meet again: of keys, region,
// bucket or address. It is "" for one that may pass.
func permanent(at location, err error) string {
	var code smithy.APIError
	if errors.As(err, &code) {
		if hint, known := s3Codes[code.ErrorCode()]; known {
			return hint
		}
	}
	switch status(err) {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect:
		return fixRegion
	case http.StatusUnauthorized, http.StatusForbidden:
		return fixKeys
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return fixAny
	}
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &name) && name.IsNotFound && !ofContainer(at, name.Name), errors.Is(err, http.ErrSchemeMismatch),
		strings.Contains(err.Error(), "unsupported protocol scheme"): // of net/http, which has no name for it
		return fixServer
	case errors.As(err, &certificate):
		return "have this machine trust the server's certificate, or " + fixServer
	case neverSent(err):
		return fixAny
	}
	return ""
}

// status is the HTTP status of an answer, 0 without one.
func status(err error) int {
	var s3 *smithyhttp.ResponseError
	var azure *azcore.ResponseError
	var google *googleapi.Error
	switch {
	case errors.As(err, &s3):
		return s3.HTTPStatusCode()
	case errors.As(err, &azure):
		return azure.StatusCode
	case errors.As(err, &google):
		return google.Code
	}
	return 0
}

// neverSent reports whether S3's client refused to make a request: for a region that is none, say. Where it was the
// service of its credentials that did not answer, a request was sent, and may succeed later.
func neverSent(err error) bool {
	var call *smithy.OperationError
	var sent *smithyhttp.RequestSendError
	return errors.As(err, &call) && !errors.As(err, &sent) && status(err) == 0
}

// ofContainer reports whether a host's name is a single word, which goes and comes with its container; S3's clients may
// put the bucket before it.
func ofContainer(at location, host string) bool {
	if bucket, err := url.Parse(at.bucket); err == nil {
		host = strings.TrimPrefix(host, bucket.Host+".")
	}
	return !strings.Contains(strings.TrimSuffix(host, "."), ".")
}
