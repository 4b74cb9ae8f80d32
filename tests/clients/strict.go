// Asks for the models through the proxy that its environment names, and believes whom it names.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	response, err := http.Get("https://api.openai.com/v1/models")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(response.Proto, response.StatusCode)
}
