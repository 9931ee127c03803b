/// What the log calls the request that is being answered, for what it begins and does not wait for.
package enum RequestName {
    /// Nil outside of a request.
    @TaskLocal package static var current: String?
}
