import CCurl

/// libcurl itself: set up once for the process, and asked for the meaning of its codes.
enum CurlLibrary {
    /// The result of `curl_global_init`, which runs the first time that this is read.
    ///
    /// A static is initialised exactly once, and libcurl 7.84 and later guard the call itself as well. Nothing else
    /// of libcurl is called before it.
    static let initialisation: CURLcode = curl_global_init(ccurl_global_all)

    static func describe(_ code: CURLcode) -> String {
        String(cString: curl_easy_strerror(code))
    }

    static func describe(_ code: CURLMcode) -> String {
        String(cString: curl_multi_strerror(code))
    }

    /// What a failed transfer's code says about where it went wrong.
    ///
    /// A certificate that the server rejects under TLS 1.3 comes as a read or write error, because the handshake is
    /// over for this side by then: only libcurl's text tells.
    static func reason(_ code: CURLcode, detail: String) -> TransportFailure.Reason {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED:
            .connecting
        case CURLE_OPERATION_TIMEDOUT:
            .timedOut
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CRL_BADFILE, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_CLIENTCERT:
            .tls
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR:
            detail.contains("alert") ? .tls : .broken
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_FAILED_INIT, CURLE_BAD_FUNCTION_ARGUMENT,
            CURLE_UNKNOWN_OPTION, CURLE_NOT_BUILT_IN, CURLE_OUT_OF_MEMORY:
            .misconfigured
        default:
            .broken
        }
    }
}
