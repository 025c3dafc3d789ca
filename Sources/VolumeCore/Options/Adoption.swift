/// What the option `adopt` says of an image that was there before the volume.
public enum Adoption: Sendable, Hashable {
    /// Nothing: the volume is a new image.
    case none
    /// The image becomes the volume. It is somebody's: when the volume is removed, it stays.
    case kept
    /// The image becomes the volume's own, and goes with it.
    case own

    /// - Returns: `nil` for a text that the option cannot have.
    public init?(_ text: String) {
        if text.lowercased() == "own" {
            self = .own
        } else if let adopts = try? ValueReader.flag(text) {
            self = adopts ? .kept : .none
        } else {
            return nil
        }
    }
}
