import Testing
import VolumeCore

/// One promise of a port, as a test that runs against any implementation of it.
///
/// A suite is a list of these, to be given to a parameterised test once for the fake and once for its real twin:
/// `@Test(arguments: VolumeStoreContract.promises) func store(_ promise: ContractCase<VolumeStoreContract>)`.
public struct ContractCase<Subject: Sendable>: Sendable, CustomTestStringConvertible {
    public let promise: String
    private let test: @Sendable (Subject) async throws -> Void

    init(_ promise: String, _ test: @escaping @Sendable (Subject) async throws -> Void) {
        self.promise = promise
        self.test = test
    }

    public var testDescription: String { promise }

    /// Tests the promise. Failed expectations are recorded; what could not even be tried throws.
    public func check(_ subject: Subject) async throws {
        try await test(subject)
    }
}

/// Names that no other test uses.
enum Fresh {
    static func name(_ hint: String) -> String {
        "contract-\(hint)-\(String(UInt64.random(in: 1 << 32..<1 << 63), radix: 36))"
    }

    static func volume(_ hint: String) throws -> VolumeName { try VolumeName(name(hint)) }
}

/// Expects a `VolumeError` of that code.
/// - Returns: the error, for a closer look.
@discardableResult
func expectFailure(
    _ code: VolumeError.Code? = nil, _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async -> VolumeError? {
    do {
        try await body()
        Issue.record("\(what) succeeded", sourceLocation: sourceLocation)
    } catch let error as VolumeError {
        if let code {
            #expect(error.code == code, "\(what): \(error)", sourceLocation: sourceLocation)
        }
        #expect(!error.why.isEmpty, "\(what): the error gives no reason", sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record("\(what): no VolumeError but \(error)", sourceLocation: sourceLocation)
    }
    return nil
}

/// Waits until a condition holds, a minute at most on the given clock.
func eventually(
    _ what: String, on clock: any DriverClock, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let end = clock.now() + .seconds(60)
    while try await !condition() {
        guard clock.now() < end else {
            Issue.record("\(what): not within a minute", sourceLocation: sourceLocation)
            return
        }
        try await clock.sleep(for: .milliseconds(100))
    }
}
