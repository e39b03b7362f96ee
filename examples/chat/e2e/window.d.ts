/** What a page of the tests' own shows to its test. */
interface Window {
  networkPage: import("./network-page").NetworkPage;
  reactPage: import("./react-page").ReactPage;
}
