package gateway

import (
	"testing"
	"time"

	"squall/driver/dialect"
)

// ask lets one client answer on a second channel what it has just received on a
// first, and returns how often the bystanders got the answer before.
func ask(t *testing.T, cfg Config, rounds int) (early int) {
	bubble(t, cfg, func(t *testing.T, s *site) {
		asker, answerer := s.client("asker"), s.client("answerer")
		answerer.subscribe("question")
		answerer.subscribe("answer")
		var crowd []*client
		for range 9 {
			c := s.client("bystander")
			c.subscribe("question")
			c.subscribe("answer")
			crowd = append(crowd, c)
		}
		for range rounds {
			asker.publish("question", "1")
			answerer.await("question")
			answerer.command(&dialect.Command{Verb: dialect.Publish, Channel: "answer", Payload: []byte("2")})
			answerer.await("answer")
			time.Sleep(time.Second)
			for _, c := range crowd {
				if first := c.await(""); first == "answer" {
					early++
				}
				c.await("")
			}
		}
	})
	return early
}

// await reads up to the next event of a channel, or of any.
func (c *client) await(channel string) string {
	c.t.Helper()
	for {
		m, err := c.next()
		if err != nil {
			c.t.Fatal(err)
		}
		if m.Kind == dialect.Delivered && (channel == "" || string(m.Channel) == channel) {
			return string(m.Channel)
		}
	}
}

func TestAnswersComeBehindQuestions(t *testing.T) {
	if n := ask(t, Config{}, 50); n > 0 {
		t.Errorf("%d of 450 answers came before their questions", n)
	}
}

func TestCausalInversion(t *testing.T) {
	if n := ask(t, Config{Defects: []Defect{{Name: "causal-inversion"}}}, 50); n < 20 {
		t.Errorf("%d of 450 answers came before their questions, want many", n)
	}
}
