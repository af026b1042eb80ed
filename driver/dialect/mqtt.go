package dialect

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// MQTT is the protocol of OASIS MQTT 5.0 (Version 5) and 3.1.1 (Version 4, as
// the protocol itself counts), over WebSocket: binary frames whose payloads are
// one stream of packets. Channels are topics with dots for slashes.
//
// What is acknowledged travels at the QoS that the promised delivery asks for
// (at-least-once 1, exactly-once 2), and so is subscribed to; what is not, at
// QoS 0. The library encodes and decodes all but what comes by the thousand:
// PUBLISH and the four packets that answer it, which the tests compare with it.
type MQTT struct{ Version byte }

// About implements Dialect. There is a queue for each session and no history of
// channels, so nothing can be recovered by position.
func (p MQTT) About() About {
	a := About{
		Name: "mqtt", Summary: "MQTT 5 brokers, QoS by the promised delivery", Path: "/mqtt",
		Subprotocol: "mqtt", Binary: true,
		Can:       Can{Ack: true, Patterns: true, Unsubscribe: true, ClientPing: true, Sessions: true, Leave: true, Retain: true, Wills: true, Quality: true},
		Promises:  Promises{Delivery: "at-least-once", Order: "per-publisher", Takeover: "closes-old", Copies: "either"},
		Heartbeat: 30 * time.Second, LastID: 1<<16 - 1, LongestText: 1<<16 - 1, Refuses: refusedTopic,
	}
	if p.Version != 5 {
		a.Name, a.Summary = "mqtt311", "MQTT 3.1.1 brokers, QoS by the promised delivery"
		a.Can.Sticky = true // its one flag means both
	}
	return a
}

// refusedTopic says why a channel can't be an MQTT topic. Dots and slashes change
// places, so a slash would be possible; but then a channel would not be what it
// looks like.
func refusedTopic(channel string) error {
	switch {
	case strings.ContainsAny(channel, "+#"):
		return fmt.Errorf("found the channel %q, expected none of + and #, which are MQTT's wildcards", channel)
	case strings.Contains(channel, "/"):
		return fmt.Errorf("found the channel %q, expected dots between the segments: they become the slashes of an MQTT topic", channel)
	case strings.HasPrefix(channel, "$"):
		return fmt.Errorf("found the channel %q, expected no $ at the beginning: such MQTT topics belong to the broker", channel)
	case len(channel) > 1<<16-1:
		return fmt.Errorf("found a channel of %d bytes, expected at most 65,535, as MQTT allows", len(channel))
	}
	return nil
}

// Append implements Dialect. A Key has no place in this protocol.
func (p MQTT) Append(dst []byte, c *Command) ([]byte, error) {
	if c.ID > 1<<16-1 {
		return dst, fmt.Errorf("MQTT has no packet identifier %d", c.ID)
	}
	id := uint16(c.ID)
	switch c.Verb {
	case Publish:
		return p.appendPublish(dst, c)
	case Confirm:
		return appendAnswer(dst, packets.Puback<<4, id), nil
	case Receive:
		return appendAnswer(dst, packets.Pubrec<<4, id), nil
	case Release:
		return appendAnswer(dst, packets.Pubrel<<4|2, id), nil
	case Complete:
		return appendAnswer(dst, packets.Pubcomp<<4, id), nil
	}
	pk := packets.Packet{ProtocolVersion: p.Version, PacketID: id}
	buf := bytes.NewBuffer(dst)
	var err error
	switch c.Verb {
	case Connect:
		for _, text := range []string{c.User, c.Token, c.Client} {
			if len(text) > 1<<16-1 {
				return dst, fmt.Errorf("MQTT has no text of %d bytes", len(text))
			}
		}
		pk.FixedHeader.Type = packets.Connect
		pk.Connect = packets.ConnectParams{
			ProtocolName: []byte("MQTT"), Clean: !c.Keep || c.Fresh, ClientIdentifier: c.Client, Keepalive: seconds(c.KeepAlive),
			// 3.1.1 knows no password without a user name (MQTT-3.1.2-22).
			UsernameFlag: c.User != "" || c.Token != "" && p.Version != 5, Username: []byte(c.User),
			PasswordFlag: c.Token != "", Password: []byte(c.Token),
		}
		if w := c.Will; w != nil {
			if len(w.Channel) > 1<<16-1 || len(w.Payload) > 1<<16-1 {
				return dst, fmt.Errorf("MQTT has no will of %d bytes for a topic of %d", len(w.Payload), len(w.Channel))
			}
			pk.Connect.WillFlag, pk.Connect.WillQos = true, byte(w.Quality)
			pk.Connect.WillTopic, pk.Connect.WillPayload = topicOf(w.Channel), w.Payload
		}
		if pk.Properties.SessionExpiryIntervalFlag = c.Keep; c.Keep {
			pk.Properties.SessionExpiryInterval = expiry(c.KeepFor)
		}
		err = pk.ConnectEncode(buf)
	case Subscribe:
		pk.FixedHeader = packets.FixedHeader{Type: packets.Subscribe, Qos: 1}
		pk.Filters = packets.Subscriptions{{Filter: filterOf(c), Qos: byte(c.Quality)}}
		err = pk.SubscribeEncode(buf)
	case Unsubscribe:
		pk.FixedHeader = packets.FixedHeader{Type: packets.Unsubscribe, Qos: 1}
		pk.Filters = packets.Subscriptions{{Filter: filterOf(c)}}
		err = pk.UnsubscribeEncode(buf)
	case Leave:
		pk.FixedHeader.Type = packets.Disconnect
		pk.Properties.SessionExpiryIntervalFlag = true // and it is 0: the session goes as well
		err = pk.DisconnectEncode(buf)
	case Ping:
		pk.FixedHeader.Type = packets.Pingreq
		err = pk.PingreqEncode(buf)
	default:
		err = fmt.Errorf("MQTT has no command for verb %d", c.Verb)
	}
	if err != nil {
		return dst, err
	}
	return buf.Bytes(), nil
}

// seconds is d in whole ones, upwards: a promise to say something that often.
func seconds(d time.Duration) uint16 {
	return uint16(min((d+time.Second-1)/time.Second, 1<<16-1))
}

// expiry is d in whole seconds, upwards; the highest number means for ever.
func expiry(d time.Duration) uint32 {
	if d == 0 {
		return math.MaxUint32
	}
	return uint32(min((d+time.Second-1)/time.Second, math.MaxUint32-1))
}

// appendAnswer appends one of the four short packets that answer a PUBLISH.
func appendAnswer(dst []byte, first byte, id uint16) []byte {
	return append(dst, first, 2, byte(id>>8), byte(id))
}

// appendPublish appends a PUBLISH, in version 5 without properties.
func (p MQTT) appendPublish(dst []byte, c *Command) ([]byte, error) {
	if len(c.Channel) > 1<<16-1 {
		return dst, fmt.Errorf("MQTT has no topic of %d bytes", len(c.Channel))
	}
	if c.Quality > AtMostOnce && c.ID == 0 {
		return dst, fmt.Errorf("a PUBLISH at QoS %d needs a packet identifier", c.Quality)
	}
	n := 2 + len(c.Channel) + len(c.Payload)
	if c.Quality > AtMostOnce {
		n += 2
	}
	if p.Version == 5 {
		n++
	}
	if n > mostRemaining {
		return dst, fmt.Errorf("MQTT has no packet of %d bytes", n)
	}
	first := packets.Publish<<4 | byte(c.Quality)<<1
	if c.Retain {
		first |= 1
	}
	dst = appendLength(append(dst, first), n)
	dst = append(dst, byte(len(c.Channel)>>8), byte(len(c.Channel)))
	dst = appendSwapped(dst, c.Channel)
	if c.Quality > AtMostOnce {
		dst = append(dst, byte(c.ID>>8), byte(c.ID))
	}
	if p.Version == 5 {
		dst = append(dst, 0)
	}
	return append(dst, c.Payload...), nil
}

// mostRemaining is the longest packet behind its fixed header.
const mostRemaining = 1<<28 - 1

// appendLength appends a Variable Byte Integer.
func appendLength(dst []byte, n int) []byte {
	for n > 127 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}

// filterOf is the filter of a subscription. A # alone would match the level above
// as well, which ** does not.
func filterOf(c *Command) string {
	if !c.Pattern {
		return topicOf(c.Channel)
	}
	segments := strings.Split(topicOf(c.Channel), "/")
	for i, s := range segments {
		switch s {
		case "*":
			segments[i] = "+"
		case "**":
			segments[i] = "+/#"
		}
	}
	return strings.Join(segments, "/")
}

// topicOf is the topic of a channel.
func topicOf(channel string) string { return string(appendSwapped(nil, channel)) }

// appendSwapped appends a channel as a topic or a topic as a channel: dots and
// slashes change places, so that no two topics are one channel.
func appendSwapped[T ~string | ~[]byte](dst []byte, name T) []byte {
	n := len(dst)
	dst = append(dst, name...)
	for i, c := range dst[n:] {
		switch c {
		case '.':
			dst[n+i] = '/'
		case '/':
			dst[n+i] = '.'
		}
	}
	return dst
}
