import KernelRequest

/// What `rbd-plugin-kernel` is asked for on its standard input.
struct KernelRequestTarget: FuzzTarget {
    let name = "kernel-request"

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        let length = KernelRequest.length(header: Array(input.prefix(KernelRequest.headerLength)))
        if let length { try hold((1...KernelRequest.limit).contains(length), "\(length) bytes are to follow") }
        let made = KernelRequest(
            words: input.split(separator: 0).map { text(Array($0)) }, secret: Array(input.prefix(9)))
        if let bytes = made.encoded { try Self.isRead(bytes, as: made) }
        guard let request = KernelRequest(body: input) else { return length == nil ? "neither" : "header" }
        // Words that are no UTF-8, which no request of the plugin's has, become longer when they are repaired.
        guard let bytes = request.encoded else { return "long" }
        try Self.isRead(bytes, as: request)
        return "\(request.words.count) \(request.secret.isEmpty)"
    }

    private static func isRead(_ bytes: [UInt8], as request: KernelRequest) throws(Broken) {
        let header = Array(bytes.prefix(KernelRequest.headerLength))
        let body = Array(bytes.dropFirst(KernelRequest.headerLength))
        try hold(KernelRequest.length(header: header) == body.count, "its length is another one")
        try hold(KernelRequest(body: body) == request, "it is received as another request")
    }
}
