// A server of Go's crypto/tls on 127.0.0.1: PORT MINIMUM MAXIMUM, then words: the number of a suite or group, or a trait.
package main

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
)

func main() {
	versions := map[string]uint16{"tls1.0": tls.VersionTLS10, "tls1.1": tls.VersionTLS11, "tls1.2": tls.VersionTLS12, "tls1.3": tls.VersionTLS13}
	config := &tls.Config{MinVersion: versions[os.Args[2]], MaxVersion: versions[os.Args[3]]}
	certificate, err := tls.LoadX509KeyPair("cert.pem", "key.pem")
	if err != nil {
		panic(err)
	}
	config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil }
	for _, word := range os.Args[4:] {
		name, value, _ := strings.Cut(word, "=")
		number, _ := strconv.ParseUint(value, 0, 16)
		switch name {
		case "suite":
			config.CipherSuites = append(config.CipherSuites, uint16(number))
		case "group":
			config.CurvePreferences = append(config.CurvePreferences, tls.CurveID(number))
		case "no-certificate":
			config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("none") }
		case "needs-name":
			config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				if hello.ServerName == "" {
					return nil, errors.New("no name")
				}
				return &certificate, nil
			}
		case "asks-certificate":
			config.ClientAuth = tls.RequireAnyClientCert
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go func() {
			_ = tls.Server(connection, config).Handshake()
			_ = connection.Close()
		}()
	}
}
