package dialect

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"pgregory.net/rapid"
)

// bytesOf reads bytes written as hexadecimal digits.
func bytesOf(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(digits), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// testPackets is testFrames for payloads in hexadecimal digits; "…" at the end of
// the messages says that bytes are left over.
func testPackets(t *testing.T, dialect Dialect, frames []frame) {
	t.Helper()
	d := dialect.Decoder()
	for _, row := range frames {
		lines, err := decode(d, string(bytesOf(t, row.text)))
		if len(d.(Streamed).Rest()) > 0 {
			lines = append(lines, "…")
		}
		got := strings.Join(lines, " | ")
		want, wantErr, bad := strings.Cut(row.want, "!")
		if got != strings.TrimSuffix(want, " | ") {
			t.Errorf("%s: %s\n got %s\nwant %s", row.comment, row.text, got, want)
		}
		switch {
		case bad && (err == nil || !strings.Contains(err.Error(), wantErr)):
			t.Errorf("%s: %s: error %v, want one about %q", row.comment, row.text, err, wantErr)
		case !bad && err != nil:
			t.Errorf("%s: %s: %v", row.comment, row.text, err)
		}
	}
}

// Recorded from mosquitto 2.0.11 and mochi 2.7.9, or made by hand from the standard.
func TestMQTT5Messages(t *testing.T) {
	testPackets(t, MQTT{Version: 5}, []frame{
		{"mosquitto: connect", `200900000622000a210014`, `connected window=20 quality=2`},
		{"mochi: connect", `2006000003210400`, `connected window=1024 quality=2`},
		{"no limits", `2003000000`, `connected window=65535 quality=2`},
		{"session present", `2003010000`, `connected window=65535 quality=2 resumed`},
		{"keep-alive and highest QoS of the server", `2008 0000 05 130005 2401`, `connected keep-alive=5s window=65535 quality=1`},
		{"refused", `2003 008700`, `error code=135 reason="not authorized" denied`},
		{"refused, with a reason", `2008 0086 05 1f00026e6f`, `error code=134 reason="bad user name or password: no" denied`},
		{"refused, nobody knows why", `2003 00f000`, `error code=240 reason="reason 0xf0"`},
		{"subscribed", `900400020002`, `subscribed id=2 quality=2`},
		{"subscribe refused", `900400020087`, `error id=2 code=135 reason="not authorized" denied`},
		{"left", `b00400060000`, `unsubscribed id=6`},
		{"leaving refused", `b00400060087`, `error id=6 code=135 reason="not authorized" denied`},
		{"QoS 0", `300b00066e6577732f61006d30`, `delivered channel=news.a payload=m0`},
		{"QoS 1, with an expiry", `321200066e6577732f6100010502000151806d31`, `delivered id=1 channel=news.a quality=1 payload=m1`},
		{"QoS 2, sent again", `3c0d00066e6577732f610002006d32`, `delivered id=2 channel=news.a quality=2 repeated payload=m2`},
		{"retained", `310b00066e6577732f61006d30`, `delivered channel=news.a retained payload=m0`},
		{"retained, QoS 1, sent again", `3b0d00066e6577732f610003006d31`, `delivered id=3 channel=news.a retained quality=1 repeated payload=m1`},
		{"without a payload", `300900066e6577732f6100`, `delivered channel=news.a payload=`},
		{"a topic with dots", `300800055f2e612f6200`, `delivered channel=_/a.b payload=`},
		{"all properties of a publication", `3030 000161 2b 0101 0200000001 030002 6161 080002 6262 090001 00 0b8001 0b01 26000161000162 260000 0000 0b ffffff7f 6d`,
			`delivered channel=a payload=m`},
		{"acknowledged", `40020003`, `published id=3`},
		{"acknowledged, nobody subscribed", `4003000910`, `published id=9`},
		{"acknowledged with properties", `4004 0009 00 00`, `published id=9`},
		{"publish refused", `40030003 97`, `error id=3 code=151 reason="quota exceeded"`},
		{"received", `50020004`, `received id=4`},
		{"received, nobody subscribed", `5003000410`, `received id=4`},
		{"not received", `5003000487`, `error id=4 code=135 reason="not authorized" denied`},
		{"released", `62020002`, `released id=2`},
		{"completed", `70020004`, `published id=4`},
		{"what became of it nobody knows", `7003000492`, `error code=146 reason="packet identifier not found"`},
		{"beat", `d000`, `ponged`},
		{"mochi: taken over", `e0158e131f001073657373696f6e2074616b656f766572`, `ignored code=142 reason="another connection took the session over: session takeover"`},
		{"disconnected without a reason", `e000`, `ignored reason="disconnected"`},
		{"disconnected with a reason alone", `e0018b`, `draining code=139 reason="the server is shutting down"`},
		{"disconnected for a mistake of ours", `e00193`, `error code=147 reason="more than the receive maximum was under way"`},
		{"three in one message", `d000 300b00066e6577732f61006d30 40020003`, `ponged | delivered channel=news.a payload=m0 | published id=3`},

		{"nothing", ``, ``},
		{"one byte", `30`, `…`},
		{"one byte that begins no packet", `7b`, `!0x7b`},
		{"half a length", `3080`, `…`},
		{"half a packet", `d000 300b00066e6577`, `ponged | …`},

		{"a length of five bytes", `30 80808080 01`, `!four bytes`},
		{"a packet too long", `30 ffffff7f`, `!at most`},
		{"QoS 3", `360d00066e6577732f610001006d31`, `!QoS 3`},
		{"QoS 0, sent again", `380b00066e6577732f61006d30`, `!sent again`},
		{"flags that must be 0", `41020003`, `!0x41`},
		{"a packet identifier of 0", `40020000`, `!identifier 0`},
		{"a publication with the identifier 0", `320d00066e6577732f610000006d31`, `!identifier 0`},
		{"a publication without identifier", `3203000161`, `!packet identifier`},
		{"a publication without topic", `300300000061`, `!without a topic`},
		{"a publication with an alias", `30080001610323000161`, `!alias`},
		{"a publication to a pattern", `300400012300`, `!pattern`},
		{"a topic that is no text", `30040001ff00`, `!no UTF-8`},
		{"a topic with a NUL", `300400010000`, `!no UTF-8`},
		{"a topic longer than the packet", `3003000561`, `!inside its topic`},
		{"properties longer than the packet", `30040001610a`, `!inside its properties`},
		{"a property of another packet", `30070001610313000a`, `!property 19`},
		{"a property cut short", `300500016101 01`, `!malformed property 1`},
		{"two answers to one subscription", `90050002000000`, `!2 answers`},
		{"an impossible QoS granted", `900400020003`, `!QoS 3`},
		{"an answer without an end", `2001 00`, `!CONNACK`},
		{"a packet of clients", `c000`, `!0xc0`},
		{"no packet at all", `0000`, `!0x00`},
		{"authentication that nobody wanted", `f0021800`, `!0xf0`},
		{"JSON", `7b22747970`, `!0x7b`},
		{"a good one, then garbage", `d000 ffff`, `ponged | !0xff`},
	})
}

func TestMQTT311Messages(t *testing.T) {
	testPackets(t, MQTT{Version: 4}, []frame{
		{"connect", `20020000`, `connected quality=2`},
		{"session present", `20020100`, `connected quality=2 resumed`},
		{"refused", `20020005`, `error code=5 reason="not authorized" denied`},
		{"bad version", `20020001`, `error code=1 reason="this version of the protocol is not accepted"`},
		{"subscribed", `9003000201`, `subscribed id=2 quality=1`},
		{"subscribe refused", `9003000280`, `error id=2 code=128 reason="refused" denied vague`},
		{"left", `b0020006`, `unsubscribed id=6`},
		{"QoS 0", `300a00066e6577732f616d30`, `delivered channel=news.a payload=m0`},
		{"QoS 1", `320c00066e6577732f6100016d31`, `delivered id=1 channel=news.a quality=1 payload=m1`},
		{"QoS 2, sent again", `3c0c00066e6577732f6100026d32`, `delivered id=2 channel=news.a quality=2 repeated payload=m2`},
		{"acknowledged", `40020003`, `published id=3`},
		{"received, released, completed", `50020004 62020002 70020004`, `received id=4 | released id=2 | published id=4`},
		{"mochi: taken over", `e000`, `ignored reason="disconnected"`},
		{"an answer cut short", `400103`, `!PUBACK`},
	})
}

// TestMQTTCommands: what is sent is what was recorded as taken by both brokers.
func TestMQTTCommands(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	for _, row := range []struct {
		comment  string
		command  Command
		v5, v311 string // "" if it can't be said
	}{
		{"anonymous", Command{Verb: Connect, ID: 1, Client: "sub1", KeepAlive: 4500 * time.Millisecond}, `101100044d5154540502000500000473756231`, `101000044d51545404020005000473756231`},
		{"with a user and a token", Command{Verb: Connect, ID: 1, Client: "c", User: "u", Token: "p"}, `101400044d51545405c2000000000163000175000170`, `101300044d51545404c20000000163000175000170`},
		{"with a token alone", Command{Verb: Connect, ID: 1, Client: "c", Token: "p"}, `101100044d515454054200000000016300 0170`, `101200044d51545404c200000001630000000170`},
		{"to go on with a session", Command{Verb: Connect, ID: 1, Client: "c", Keep: true, KeepFor: 1500 * time.Millisecond}, `101300044d515454050000000511000000020001 63`, `100d00044d5154540400000000 0163`},
		{"to keep a session for ever, from now on", Command{Verb: Connect, ID: 1, Client: "c", Keep: true, Fresh: true}, `101300044d515454050200000511ffffffff0001 63`, `100d00044d5154540402000000 0163`},
		{"with a will", Command{Verb: Connect, ID: 1, Client: "c", Will: &Will{Channel: "p.a", Payload: []byte("m"), Quality: AtLeastOnce}}, `101700044d515454050e000000000163000003702f6100016d`, `101500044d515454040e00000001630003702f6100016d`},
		{"a will too long", Command{Verb: Connect, ID: 1, Client: "c", Will: &Will{Channel: "p.a", Payload: []byte(long)}}, ``, ``},
		{"go", Command{Verb: Leave}, `e00700051100000000`, `e000`},
		{"a text too long", Command{Verb: Connect, ID: 1, Token: long}, ``, ``},
		{"subscribe", Command{Verb: Subscribe, ID: 2, Channel: "news.a", Quality: ExactlyOnce}, `820c00020000066e6577732f6102`, `820b000200066e6577732f6102`},
		{"subscribe to a pattern", Command{Verb: Subscribe, ID: 2, Channel: "a.*.**", Pattern: true}, `820d0002000007612f2b2f2b2f2300`, `820c00020007 612f2b2f2b2f23 00`},
		{"leave a pattern", Command{Verb: Unsubscribe, ID: 2, Channel: "*.a", Pattern: true}, `a2080002000003 2b2f61`, `a20700020003 2b2f61`},
		{"leave", Command{Verb: Unsubscribe, ID: 6, Channel: "news.a"}, `a20b00060000066e6577732f61`, `a20a000600066e6577732f61`},
		{"publish at QoS 0", Command{Verb: Publish, Channel: "news.a", Payload: []byte("m0")}, `300b00066e6577732f61006d30`, `300a00066e6577732f616d30`},
		{"publish at QoS 1", Command{Verb: Publish, ID: 3, Channel: "news.a", Quality: AtLeastOnce, Payload: []byte("m1")}, `320d00066e6577732f610003006d31`, `320c00066e6577732f6100036d31`},
		{"publish at QoS 2", Command{Verb: Publish, ID: 4, Channel: "news.a", Quality: ExactlyOnce, Payload: []byte("m2")}, `340d00066e6577732f610004006d32`, `340c00066e6577732f6100046d32`},
		{"publish at QoS 1, to be kept", Command{Verb: Publish, ID: 3, Channel: "news.a", Quality: AtLeastOnce, Retain: true, Payload: []byte("m1")}, `330d00066e6577732f610003006d31`, `330c00066e6577732f6100036d31`},
		{"publish at QoS 1 without an identifier", Command{Verb: Publish, Channel: "a", Quality: AtLeastOnce}, ``, ``},
		{"publish to a topic too long", Command{Verb: Publish, Channel: long}, ``, ``},
		{"confirm", Command{Verb: Confirm, ID: 0x102}, `40020102`, `40020102`},
		{"receive", Command{Verb: Receive, ID: 2}, `50020002`, `50020002`},
		{"release", Command{Verb: Release, ID: 4}, `62020004`, `62020004`},
		{"complete", Command{Verb: Complete, ID: 2}, `70020002`, `70020002`},
		{"ping", Command{Verb: Ping, ID: 6}, `c000`, `c000`},
		{"an identifier too high", Command{Verb: Confirm, ID: 1 << 16}, ``, ``},
		{"pong", Command{Verb: Pong}, ``, ``},
	} {
		for version, want := range map[byte]string{5: row.v5, 4: row.v311} {
			got, err := MQTT{Version: version}.Append([]byte("x"), &row.command)
			switch {
			case want == "" && err == nil:
				t.Errorf("%s: version %d says %x", row.comment, version, got)
			case want != "" && (err != nil || !bytes.Equal(got, append([]byte("x"), bytesOf(t, want)...))):
				t.Errorf("%s: version %d says %x, %v; want %s", row.comment, version, got[1:], err, want)
			}
		}
	}
}

// TestMQTTAgreesWithTheLibrary: what is written by hand is what the library
// writes, byte for byte.
func TestMQTTAgreesWithTheLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		version := rapid.SampledFrom([]byte{4, 5}).Draw(t, "version")
		c := Command{
			Verb: rapid.SampledFrom([]Verb{Publish, Confirm, Receive, Release, Complete}).Draw(t, "verb"),
			ID:   rapid.Uint64Range(1, 1<<16-1).Draw(t, "id"), Quality: Quality(rapid.IntRange(0, 2).Draw(t, "quality")),
			Channel: rapid.StringMatching(`[a-zä.]{1,300}`).Draw(t, "channel"),
			Payload: rapid.SliceOfN(rapid.Byte(), 0, 20_000).Draw(t, "payload"),
			Retain:  rapid.Bool().Draw(t, "retain"),
		}
		got, err := MQTT{Version: version}.Append(nil, &c)
		if err != nil {
			t.Fatal(err)
		}
		pk := packets.Packet{ProtocolVersion: version, PacketID: uint16(c.ID)}
		var want bytes.Buffer
		switch c.Verb {
		case Publish:
			pk.FixedHeader = packets.FixedHeader{Type: packets.Publish, Qos: byte(c.Quality), Retain: c.Retain}
			pk.TopicName, pk.Payload = strings.ReplaceAll(c.Channel, ".", "/"), c.Payload
			err = pk.PublishEncode(&want)
		case Confirm:
			pk.FixedHeader.Type = packets.Puback
			err = pk.PubackEncode(&want)
		case Receive:
			pk.FixedHeader.Type = packets.Pubrec
			err = pk.PubrecEncode(&want)
		case Release:
			pk.FixedHeader = packets.FixedHeader{Type: packets.Pubrel, Qos: 1}
			err = pk.PubrelEncode(&want)
		case Complete:
			pk.FixedHeader.Type = packets.Pubcomp
			err = pk.PubcompEncode(&want)
		}
		if err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("%+v\n got %x\nwant %x, %v", c, got, want.Bytes(), err)
		}
	})
}

// TestMQTTComesBack: a publication that a server sends on is read as it was said.
func TestMQTTComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := MQTT{Version: rapid.SampledFrom([]byte{4, 5}).Draw(t, "version")}
		c := Command{
			Verb: Publish, ID: rapid.Uint64Range(1, 1<<16-1).Draw(t, "id"), Quality: Quality(rapid.IntRange(0, 2).Draw(t, "quality")),
			Channel: rapid.StringMatching(`[a-zä.]{1,300}`).Draw(t, "channel"),
			Payload: rapid.SliceOfN(rapid.Byte(), 0, 20_000).Draw(t, "payload"),
			Retain:  rapid.Bool().Draw(t, "retain"),
		}
		b, err := p.Append(nil, &c)
		if err != nil {
			t.Fatal(err)
		}
		d := p.Decoder()
		d.Reset(b)
		var m Message
		if !d.Next(&m) || m.Kind != Delivered || string(m.Channel) != c.Channel || !bytes.Equal(m.Payload, c.Payload) || m.Quality != c.Quality || m.Retained != c.Retain {
			t.Fatalf("came back as %s, %v", describe(&m), d.Err())
		}
		if c.Quality > AtMostOnce && m.ID != c.ID {
			t.Fatalf("came back with id %d, want %d", m.ID, c.ID)
		}
	})
}

// TestMQTTStream: however a stream of packets is cut into messages, the same
// comes out, if each message is put behind what the last one left.
func TestMQTTStream(t *testing.T) {
	stream := bytesOf(t, `200900000622000a210014 900400020002 300b00066e6577732f61006d30 321200066e6577732f6100010502000151806d31
		40020003 50020004 70020004 62020002 d000 e0158e131f001073657373696f6e2074616b656f766572`)
	p := MQTT{Version: 5}
	want, err := decode(p.Decoder(), string(stream))
	if err != nil || len(want) != 10 {
		t.Fatalf("%d messages, %v", len(want), err)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := p.Decoder().(Streamed)
		var got []string
		var rest []byte
		for left := stream; len(left) > 0; {
			n := rapid.IntRange(1, min(len(left), 30)).Draw(t, "bytes")
			lines, err := decode(d, string(rest)+string(left[:n]))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, lines...)
			rest, left = bytes.Clone(d.Rest()), left[n:]
		}
		if len(rest) > 0 || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %q and %d bytes, want %q", got, len(rest), want)
		}
	})
}

// TestMQTTChannels: no two channels are one topic, and what can't be one is
// refused.
func TestMQTTChannels(t *testing.T) {
	for channel, refused := range map[string]bool{
		"vote.1": false, "a..b": false, "ü": false, "a$": false,
		"a/b": true, "a.+": true, "#": true, "$SYS.x": true, strings.Repeat("x", 1<<16): true,
	} {
		if err := refusedTopic(channel); (err != nil) != refused {
			t.Errorf("%.20q: %v", channel, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		topic := rapid.String().Draw(t, "topic")
		if back := topicOf(topicOf(topic)); back != topic {
			t.Fatalf("%q came back as %q", topic, back)
		}
	})
}

// FuzzMQTT: nothing that a server says makes the decoder panic, go on for ever or
// take much memory; it leaves the payload as it is; and where it takes a
// PUBLISH, so does the library, and reads the same.
func FuzzMQTT(f *testing.F) {
	for _, s := range []string{
		`200900000622000a210014`, `900400020002`, `300b00066e6577732f61006d30`, `321200066e6577732f6100010502000151806d31`,
		`3030 000161 2b 0101 0200000001 030002 6161 080002 6262 090001 00 0b8001 0b01 26000161000162 260000 0000 0b ffffff7f 6d`,
		`e0158e131f001073657373696f6e2074616b656f766572`, `e0018b`, `4003000910`, `d000d000`, `30ffffff7f`, `7003000492`, `b00400060087`,
	} {
		f.Add(bytesOf(f, s), true)
		f.Add(bytesOf(f, s), false)
	}
	f.Fuzz(func(t *testing.T, payload []byte, five bool) {
		p := MQTT{Version: 4}
		if five {
			p.Version = 5
		}
		before := string(payload)
		d := p.Decoder().(*mqttDecoder)
		d.Reset(payload)
		var m Message
		for left := len(payload); ; left = len(d.b) {
			at := payload[len(payload)-left:]
			if !d.Next(&m) {
				break
			}
			if len(d.b) >= left {
				t.Fatal("a message of no bytes")
			}
			if len(m.Channel)+len(m.Payload) > left || len(m.Reason) > left+100 || m.Window < 0 || m.KeepAlive < 0 || m.ID > 1<<16-1 {
				t.Fatalf("%x: %+v", payload, m)
			}
			if m.Kind == Delivered {
				libraryReads(t, p.Version, at[:left-len(d.b)], &m)
			}
		}
		if d.Next(&m) || string(payload) != before {
			t.Fatal("Next went on after its end, or changed the payload")
		}
		if d.Err() == nil && !bytes.HasSuffix(payload, d.Rest()) {
			t.Fatal("what is left is not the end of what was given")
		}
	})
}

// libraryReads compares a PUBLISH with the library's reading of it.
func libraryReads(t *testing.T, version byte, b []byte, m *Message) {
	t.Helper()
	pk := packets.Packet{ProtocolVersion: version}
	if err := pk.FixedHeader.Decode(b[0]); err != nil {
		t.Fatalf("%x: the library refuses the header: %v", b, err)
	}
	n, size := length(b)
	if err := pk.PublishDecode(b[1+size : 1+size+n]); err != nil {
		t.Fatalf("%x: the library refuses it: %v", b, err)
	}
	pk.Properties.SubscriptionIdentifier = nil // only servers may not be sent one
	if code := pk.PublishValidate(0); code != packets.CodeSuccess {
		t.Fatalf("%x: the library refuses it: %v", b, code)
	}
	if topicOf(pk.TopicName) != string(m.Channel) || uint64(pk.PacketID) != m.ID || !bytes.Equal(pk.Payload, m.Payload) ||
		Quality(pk.FixedHeader.Qos) != m.Quality || pk.FixedHeader.Dup != m.Repeated || pk.FixedHeader.Retain != m.Retained {
		t.Fatalf("%x: the library reads %+v, we %s", b, pk, describe(m))
	}
}

// FuzzMQTTPublish: what the library reads as a valid PUBLISH we read, too, but
// for lengths that are wrong in ways that it lets pass.
func FuzzMQTTPublish(f *testing.F) {
	f.Add("news/a", []byte("m"), uint16(1), byte(1), uint32(86400), "text", "k", []byte{1}, 7)
	f.Fuzz(func(t *testing.T, topic string, payload []byte, id uint16, qos byte, expiry uint32, kind, key string, data []byte, subscription int) {
		pk := packets.Packet{ProtocolVersion: 5, PacketID: id, TopicName: topic, Payload: payload}
		pk.FixedHeader = packets.FixedHeader{Type: packets.Publish, Qos: qos % 3}
		if qos%3 == 0 {
			pk.PacketID = 0
		}
		pk.Mods.AllowResponseInfo = true
		pk.Properties = packets.Properties{
			MessageExpiryInterval: expiry, ContentType: kind, ResponseTopic: key, CorrelationData: data,
			PayloadFormatFlag: expiry%2 == 0, User: []packets.UserProperty{{Key: key, Val: kind}},
		}
		if subscription > 0 && subscription < 1<<28 {
			pk.Properties.SubscriptionIdentifier = []int{subscription}
		}
		if len(topic) > 1<<16-1 || len(kind) > 1<<16-1 || len(key) > 1<<16-1 || len(data) > 1<<16-1 {
			return // the library writes the length of such texts wrongly
		}
		var b bytes.Buffer
		if pk.PublishEncode(&b) != nil {
			return
		}
		n, size := length(b.Bytes())
		read := packets.Packet{ProtocolVersion: 5, FixedHeader: pk.FixedHeader}
		if read.PublishDecode(b.Bytes()[1+size:1+size+n]) != nil {
			return
		}
		read.Properties.SubscriptionIdentifier = nil
		if read.PublishValidate(0) != packets.CodeSuccess {
			return
		}
		d := MQTT{Version: 5}.Decoder()
		d.Reset(b.Bytes())
		var m Message
		if !d.Next(&m) || d.Err() != nil || topicOf(topic) != string(m.Channel) || !bytes.Equal(payload, m.Payload) {
			t.Fatalf("%x: read as %s, %v", b.Bytes(), describe(&m), d.Err())
		}
	})
}
