// Lists the buckets of an account. The transport adds the token to each request, and gets another one when B2 no longer
// accepts it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"

	"b2auth"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	names, err := listBuckets(ctx, b2auth.NewTransport("", "", b2auth.WithUserAgent("list_buckets/1.0")))
	if errors.Is(err, b2auth.ErrBadCredentials) {
		log.Fatal("the key is wrong: ", err)
	}
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range names {
		fmt.Println(name)
	}
}

func listBuckets(ctx context.Context, transport *b2auth.Transport) ([]string, error) {
	session, err := transport.Session(ctx)
	if err != nil {
		return nil, err
	}
	defer session.Close()

	body := strings.NewReader(fmt.Sprintf(`{"accountId":%q}`, session.AccountID()))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, session.APIURL()+"/b2api/v4/b2_list_buckets", body)
	if err != nil {
		return nil, err
	}
	response, err := transport.Client().Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
		return nil, fmt.Errorf("b2_list_buckets: %s: %s", response.Status, text)
	}
	var answer struct {
		Buckets []struct {
			BucketName string `json:"bucketName"`
		} `json:"buckets"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(answer.Buckets))
	for _, bucket := range answer.Buckets {
		names = append(names, bucket.BucketName)
	}
	return names, nil
}
