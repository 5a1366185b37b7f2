package converter_test

import (
	"context"
	"fmt"

	"github.com/violentutf/violentutf/execution/converter"
)

func ExampleNew() {
	caesar, err := converter.New("CaesarConverter", `{"caesar_offset": 3}`, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(caesar.Convert(context.Background(), "attack at dawn", 0))
	// Output: dwwdfn dw gdzq <nil>
}

func ExampleDecode() {
	fmt.Println(converter.Decode("MorseConverter", "", "... --- ..."))
	// Output: SOS <nil>
}
