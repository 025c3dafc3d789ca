/// Who has an image open for writing, and which image that is: both from the same look, while names may change.
public struct WatchedImage: Sendable, Hashable {
    /// librbd's id of the image.
    public var id: String
    public var watchers: [ClientAddress]

    public init(id: String, watchers: [ClientAddress]) {
        self.id = id
        self.watchers = watchers
    }
}
