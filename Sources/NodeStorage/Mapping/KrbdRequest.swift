import VolumeCore

/// What is asked of `rbd-plugin-kernel`, a program of this project that hands it to the kernel's rbd driver.
struct KrbdRequest: Sendable {
    /// Each mapping is a client of its own, so that fencing one volume does not take the others with it.
    private static let standingOptions = ["noshare"]

    /// Where sysfs is mounted.
    let sys: String

    /// - Throws: `VolumeError` when the request cannot be put into the words of the kernel.
    func map(
        _ image: ImageReference, for access: VolumeAccess = .readWrite, options: [String], as client: KernelClient,
        _ what: String
    ) throws -> Command {
        // The last of two options wins, so what was asked for stands after what the configuration says.
        let asked = (client.mapOptions.filter { $0 != "share" } + options).filter { $0 != "noudev" }
        let mode = MessengerMode(asked, for: client)
        let monitors = try mode.monitors(of: client, what)
        let namespace = image.namespace.isEmpty ? [] : ["_pool_ns=" + image.namespace]
        let readOnly = access == .readOnly ? ["ro"] : []
        let words = ["name=" + client.user] + namespace + Self.standingOptions + asked + mode.option + readOnly
        try Self.refuseWhatTheKernelMisreads(image, words, what)
        return Command(
            .kernel,
            ["map", sys, monitors.joined(separator: ","), words.joined(separator: ","), image.pool, image.name],
            input: client.key?.bytes ?? [])
    }

    /// Whether the kernel can use the client's key.
    static func tryKey(of client: KernelClient) -> Command {
        Command(.kernel, ["try-key"], input: client.key?.bytes ?? [])
    }

    func unmap(_ id: UInt32, _ image: ImageReference, imageID: String?) -> Command {
        Command(.kernel, ["unmap", sys, "\(id)", image.pool, image.namespace, image.name, imageID ?? ""])
    }

    /// With one client for all, fencing one volume would fence the whole node; and who the client is, is not for an
    /// option to say.
    static func refuseReserved(_ options: [String], _ what: String) throws {
        if options.contains("share") {
            throw VolumeError.refusedMapOption(
                what,
                "with the map option 'share', shutting one volume's client out would cut off all of a node's volumes")
        }
        let reserved: Set<Substring> = ["name", "key", "secret", "_pool_ns"]
        if let option = options.map({ $0.prefix { $0 != "=" } }).first(where: reserved.contains) {
            throw VolumeError.refusedMapOption(what, "the plugin itself sets the map option '\(option)'")
        }
    }

    /// The kernel splits a request at blanks, and its second word at commas, and knows no quoting.
    private static func refuseWhatTheKernelMisreads(
        _ image: ImageReference, _ options: [String], _ what: String
    ) throws {
        let names = [image.pool, image.name].filter { $0.contains(where: \.isWhitespace) }
        let words = options.filter { $0.contains { $0.isWhitespace || $0 == "," } }
        guard let word = (names + words).first else { return }
        throw VolumeError(
            .unsupported, what, why: "the kernel's rbd driver cannot read '\(word)'",
            remedy: "use names without blanks, or another mapper", outcome: .refused)
    }
}
