"""What is sent: queries from files, their popularity, and the kinds of requests that they become."""
