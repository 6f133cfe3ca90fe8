package sample

// Lock holds lest others write.
func Lock() string {
	/* amid one
	and two */
	nor := "a name is not a word"
	s := "it lets go of it"
	return s + nor + `a raw string
whoever reads it`
}

type paint struct {
	Tone string `json:"colour"`
}

// tone is long long long long long long long long long long long long long long long long long long long long.
//
//	xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
func tone() {} // y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y
