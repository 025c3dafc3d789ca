import VolumeCore

/// The part of the port that is about the notes in an image of who may write to it.
extension CephImageStore {
    public func noteWriter(_ client: ClientAddress, in image: ImageReference, id: String) async throws {
        try await call("note client \(client) in image \(image)") { limit in
            try await call.images(image).changeMetadata(
                ofImage: id, setting: [WriterNote.key(of: client): id], timeout: limit)
        }
    }

    public func forgetWriters(_ clients: [ClientAddress], in image: ImageReference, id: String) async throws {
        guard !clients.isEmpty else { return }
        do {
            try await call("remove notes of clients from image \(image)") { limit in
                try await call.images(image).changeMetadata(
                    ofImage: id, removing: clients.map(WriterNote.key), timeout: limit)
            }
        } catch let error as VolumeError where error.code == .notFound {
            return
        }
    }
}

/// One line of an image's metadata, as `rbd image-meta ls` shows it: the key names a client that may write to the image, the
/// value is the image's id. Clones and copies get the metadata of their origin; the id says that a note is not about them.
enum WriterNote {
    private static let prefix = "rbd-plugin.writer."

    static func key(of client: ClientAddress) -> String { prefix + client.text }

    static func writers(in metadata: [String: String], ofImage id: String) -> [ClientAddress] {
        metadata.filter { $0.value == id && $0.key.hasPrefix(prefix) }
            .compactMap { ClientAddress(String($0.key.dropFirst(prefix.count))) }
            .sorted { $0.text < $1.text }
    }
}
