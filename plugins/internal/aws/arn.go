package aws

import (
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Allow is the least statement of a policy for the action.
func Allow(action, resource string) string {
	return `{"Effect": "Allow", "Action": "` + action + `", "Resource": "` + resource + `"}`
}

// Partition is the part of AWS that a region belongs to, as names of resources
// have it: aws, aws-cn or aws-us-gov.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// AccountOf takes the account out of the name of a resource, or gives "".
func AccountOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return ""
	}
	return parts[4]
}

// Shut gives back the connections of a client.
func Shut(c aws.Config) {
	if client, is := c.HTTPClient.(*http.Client); is {
		client.CloseIdleConnections()
	}
}
