import Glibc

/// What could not be done, and the number of the error, which becomes the exit status.
struct Failure: Error {
    let what: String
    let code: CInt

    var words: String { "cannot \(what): \(String(cString: strerror(code)))" }

    /// Makes the call, again when a signal interrupted it without ending the program.
    @discardableResult
    static func check<Number: SignedInteger>(_ what: @autoclosure () -> String, _ call: () -> Number) throws -> Number {
        while true {
            let result = call()
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { throw Failure(what: what(), code: code) }
        }
    }
}
