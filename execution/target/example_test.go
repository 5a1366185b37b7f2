package target_test

import (
	"context"
	"fmt"

	"github.com/violentutf/violentutf/execution/target"
)

func Example() {
	echo, err := target.New(target.TypeEcho, "{}", nil, target.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer echo.Close()
	text, err := echo.Reply(context.Background(), "", "Hello")
	fmt.Println(text, err)
	// Output: Hello <nil>
}
