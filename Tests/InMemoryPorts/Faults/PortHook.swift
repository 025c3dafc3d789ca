import VolumeCore

/// The one place where faults are injected and where a scheduler decides what happens next.
///
/// Every effect passes through here. `effect` does it, at once and synchronously; whoever implements this decides
/// when it is called, and how often:
/// - throwing before it is called: the request was lost, nothing happened;
/// - throwing after it: it took effect, the answer was lost;
/// - calling it twice: the request was duplicated (the second answer is the one that is returned);
/// - throwing first and calling it later from elsewhere: it takes effect late, when nobody expects it any more.
public protocol PortHook: Sendable {
    func perform(_ call: PortCall, _ effect: @escaping @Sendable () throws -> Void) async throws
}

/// Everything happens at once and works. A `sleep` moves the world's clock on.
public struct NoFaults: PortHook {
    public init() {}

    public func perform(_ call: PortCall, _ effect: @escaping @Sendable () throws -> Void) async throws {
        try effect()
    }
}

/// The plugin process that made the call was killed: its code gets no answers any more and changes nothing.
public struct PluginIsGone: Error, CustomStringConvertible {
    public init() {}

    public var description: String { "the plugin process was killed" }
}
